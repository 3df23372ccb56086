//! Whether markers, tables and scans fit together.

use super::data::{ReconstructionData, Scan, marker};
use super::error::{Fault, Result};

/// Most bits that a scan may leave to later ones.
const MAX_AL: u8 = 10;

/// What has been defined so far.
#[derive(Default)]
struct Progress {
    /// The frame's marker.
    sof: Option<u8>,
    has_dri: bool,
    quant_tables: usize,
    huffman_tables: usize,
    scans: usize,
    /// By id.
    dc: [bool; 4],
    ac: [bool; 4],
}

/// Checks the markers in the order of the file: one frame before its scans, tables for each marker, tables before they are
/// used, and scans that add to those before. So there are at most eleven scans for each coefficient of a component, and a
/// small file cannot ask for much work.
pub(super) fn check(data: &ReconstructionData) -> Result<()> {
    let mut progress = Progress::default();
    // By component and coefficient, the bits that scans have sent.
    let mut sent = [[0u16; 64]; 3];
    for &marker in &data.markers {
        let again = match marker {
            marker::SOF0..=marker::SOF2 => progress.sof.replace(marker).is_some(),
            marker::DRI => std::mem::replace(&mut progress.has_dri, true),
            marker::DQT => {
                progress.define_quant_tables(data)?;
                false
            }
            marker::DHT => {
                progress.define_huffman_tables(data)?;
                false
            }
            marker::SOS => {
                let Some(sof) = progress.sof else { return Err(Fault::Order(marker).into()) };
                // There is one for each marker.
                let Some(scan) = data.scans.get(progress.scans) else { return Err(Fault::End.into()) };
                progress.check_scan(scan, sof == marker::SOF2, &mut sent)?;
                progress.scans += 1;
                false
            }
            _ => false,
        };
        if again {
            return Err(Fault::Order(marker).into());
        }
    }
    if progress.scans == 0 { Err(Fault::Order(marker::EOI).into()) } else { Ok(()) }
}

impl Progress {
    fn define_quant_tables(&mut self, data: &ReconstructionData) -> Result<()> {
        loop {
            let table = data.quant_tables.get(self.quant_tables).ok_or(Fault::NoTable(marker::DQT))?;
            self.quant_tables += 1;
            if table.is_last {
                return Ok(());
            }
        }
    }

    fn define_huffman_tables(&mut self, data: &ReconstructionData) -> Result<()> {
        let first = self.huffman_tables;
        loop {
            let table = data.huffman_tables.get(self.huffman_tables).ok_or(Fault::NoTable(marker::DHT))?;
            if table.is_empty && self.huffman_tables > first {
                // A segment without a table has no other table.
                return Err(Fault::NoTable(marker::DHT).into());
            }
            self.huffman_tables += 1;
            if table.is_empty {
                return Ok(());
            }
            let defined = if table.is_ac { &mut self.ac } else { &mut self.dc };
            defined[usize::from(table.id & 3)] = true;
            if table.is_last {
                return Ok(());
            }
        }
    }

    /// That a scan has its tables and sends, for each coefficient, the next bits of those that were not sent.
    fn check_scan(&self, scan: &Scan, is_progressive: bool, sent: &mut [[u16; 64]; 3]) -> Result<()> {
        let ((first, last), ah, al) = scan.coded(is_progressive);
        if first > last || al > MAX_AL {
            return Err(Fault::Scan(self.scans).into());
        }
        let bits = if ah == 0 { u16::MAX << al } else { 1 << al };
        let below = (1 << al) - 1;
        for component in scan.components() {
            let needs_dc = first == 0;
            let needs_ac = last > 0;
            if needs_dc && !self.dc[usize::from(component.dc_table & 3)]
                || needs_ac && !self.ac[usize::from(component.ac_table & 3)]
            {
                return Err(Fault::Undefined(self.scans).into());
            }
            let sent = &mut sent[usize::from(component.component).min(2)];
            for sent in &mut sent[usize::from(first)..=usize::from(last)] {
                if *sent & (bits | below) != 0 {
                    return Err(Fault::Scan(self.scans).into());
                }
                *sent |= bits;
            }
        }
        Ok(())
    }
}

impl Scan {
    /// First and last coefficient, `Ah` and `Al` that it is coded by.
    pub(super) fn coded(&self, is_progressive: bool) -> ((u8, u8), u8, u8) {
        if is_progressive { (self.spectrum, self.ah, self.al) } else { ((0, 63), 0, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::DATA;
    use super::super::error::Error;
    use super::super::huffman::HuffmanTable;
    use super::*;

    /// The fault of the data of a small JPEG that are changed: markers E0 DB DB C0 C4 C4 C4 C4 DA D9.
    fn fault(change: impl FnOnce(&mut ReconstructionData)) -> Option<Fault> {
        let mut data = ReconstructionData::default();
        data.read(&DATA).unwrap();
        change(&mut data);
        match check(&data) {
            Ok(()) => None,
            Err(Error::Invalid { what, .. }) => Some(what),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn markers_out_of_order_are_refused() {
        assert_eq!(fault(|_| ()), None);
        assert_eq!(fault(|data| data.markers.swap(3, 8)), Some(Fault::Order(marker::SOS)));
        assert_eq!(fault(|data| data.markers[0] = marker::SOF0), Some(Fault::Order(marker::SOF0)));
        assert_eq!(
            fault(|data| data.markers.splice(0..1, [marker::DRI; 2]).for_each(drop)),
            Some(Fault::Order(marker::DRI))
        );
        assert_eq!(fault(|data| data.markers[8] = marker::COM), Some(Fault::Order(marker::EOI)));
        assert_eq!(fault(|data| data.markers[0] = marker::DQT), Some(Fault::NoTable(marker::DQT)));
        assert_eq!(fault(|data| data.markers[0] = marker::DHT), Some(Fault::NoTable(marker::DHT)));
        assert_eq!(fault(|data| data.markers.swap(7, 8)), Some(Fault::Undefined(0)));
    }

    #[test]
    fn segments_without_a_table_stand_alone() {
        let empty = |is_last| HuffmanTable::new((true, 0, is_last), [0; 17], &[]).unwrap();
        let add = |data: &mut ReconstructionData, is_last| {
            data.huffman_tables.insert(0, empty(is_last));
            data.markers.insert(4, marker::DHT);
        };
        assert_eq!(fault(|data| add(data, true)), None);
        assert_eq!(fault(|data| add(data, false)), None);
        let within = |data: &mut ReconstructionData| {
            data.huffman_tables[0].is_last = false;
            data.huffman_tables.insert(1, empty(true));
        };
        assert_eq!(fault(within), Some(Fault::NoTable(marker::DHT)));
    }

    #[test]
    fn scans_send_bits_once_and_in_order() {
        let scans = |sof: u8, scans: &'static [(u8, u8, u8, u8)]| {
            fault(move |data| {
                data.markers[3] = sof;
                data.markers.splice(8..9, vec![marker::SOS; scans.len()]);
                let scan = data.scans[0].clone();
                data.scans = vec![scan; scans.len()];
                for (scan, (first, last, ah, al)) in data.scans.iter_mut().zip(scans) {
                    (scan.spectrum, scan.ah, scan.al) = ((*first, *last), *ah, *al);
                }
            })
        };
        let good = &[(0, 0, 0, 1), (1, 63, 0, 2), (1, 63, 2, 1), (0, 0, 1, 0), (1, 63, 1, 0)];
        assert_eq!(scans(marker::SOF2, good), None);
        // A spectrum of sequential scans means nothing.
        assert_eq!(scans(marker::SOF0, &[(5, 2, 9, 15)]), None);
        assert_eq!(scans(marker::SOF0, &[(0, 63, 0, 0), (0, 63, 0, 0)]), Some(Fault::Scan(1)));
        assert_eq!(scans(marker::SOF2, &[(1, 63, 0, 0), (5, 5, 0, 0)]), Some(Fault::Scan(1)));
        assert_eq!(scans(marker::SOF2, &[(0, 0, 0, 0), (0, 0, 2, 1)]), Some(Fault::Scan(1)));
        assert_eq!(scans(marker::SOF2, &[(1, 63, 0, 2), (1, 63, 1, 0), (1, 63, 2, 1)]), Some(Fault::Scan(2)));
        assert_eq!(scans(marker::SOF2, &[(9, 8, 0, 0)]), Some(Fault::Scan(0)));
        assert_eq!(scans(marker::SOF2, &[(1, 63, 0, 11)]), Some(Fault::Scan(0)));
    }
}
