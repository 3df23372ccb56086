//! Idle storage that all workers share.

use super::class::Class;
use super::purpose::Purpose;
use super::storage::Storage;

/// Storage that nobody uses.
pub(crate) struct Idle {
    pub(crate) storage: Storage,
    pub(crate) class: Class,
    /// What it was last used for: idle bytes are counted there.
    pub(crate) purpose: Purpose,
    /// When it came back.
    pub(crate) age: Age,
}

/// A moment: the tick of the pool's clock, and the order of returns to one magazine within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    pub(crate) tick: u64,
    pub(crate) order: u32,
}

/// A shelf for each class, oldest first.
pub(crate) struct Shelves {
    shelves: Vec<Shelf>,
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Idle>,
    /// Storage of this class that exists, here or elsewhere: the shelf always has room for all of it.
    alive: usize,
}

impl Shelves {
    pub(crate) fn new() -> Self {
        let mut shelves = Vec::new();
        shelves.resize_with(Class::COUNT, Shelf::default);
        Self { shelves }
    }

    /// Makes room for one more storage of the class, so that no return has to allocate; `false` if the system refuses.
    pub(crate) fn expect(&mut self, class: Class) -> bool {
        let shelf = &mut self.shelves[class.index()];
        let room = (shelf.alive + 1).saturating_sub(shelf.idle.len());
        let expected = shelf.idle.try_reserve(room).is_ok();
        shelf.alive += usize::from(expected);
        expected
    }

    /// Storage of the class was freed, or never came to be.
    pub(crate) fn forget(&mut self, class: Class) {
        self.shelves[class.index()].alive -= 1;
    }

    /// Takes in idle storage, by age.
    pub(crate) fn put(&mut self, idle: Idle) {
        let shelf = &mut self.shelves[idle.class.index()].idle;
        // Batches come nearly in order: the place is at or near the end.
        let place = shelf.iter().rposition(|other| other.age <= idle.age).map_or(0, |before| before + 1);
        shelf.insert(place, idle);
    }

    /// The latest returned storage of the smallest of these classes that has any.
    pub(crate) fn take(&mut self, smallest: Class, largest: Class) -> Option<Idle> {
        self.shelves[smallest.index()..=largest.index()].iter_mut().find_map(|shelf| shelf.idle.pop())
    }

    /// The storage that has been idle longest; its class is told to [`forget`](Self::forget) it.
    pub(crate) fn take_oldest(&mut self) -> Option<Idle> {
        let age = |shelf: &Shelf| shelf.idle.first().map(|idle| idle.age);
        let oldest =
            self.shelves.iter_mut().filter(|shelf| !shelf.idle.is_empty()).min_by_key(|shelf| age(shelf))?;
        oldest.alive -= 1;
        Some(oldest.idle.remove(0))
    }
}
