//! Size classes: a quarter octave apart, counted in lines.

/// The sizes storage comes in: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24 … lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Class(u8);

impl Class {
    /// How many classes there are: the last is 2⁵⁷ lines, the whole of a 64-bit address space's positive half.
    pub(crate) const COUNT: usize = 224;

    /// The smallest class of at least `lines` lines, which are at least one; `None` beyond the last class.
    pub(crate) fn holding(lines: usize) -> Option<Self> {
        if lines < 4 {
            return Some(Self(lines.max(1) as u8 - 1));
        }
        let shift = lines.ilog2() - 2;
        let quarters = lines.div_ceil(1 << shift) as u32; // 4 to 8
        let class = 3 + 4 * shift + (quarters - 4);
        (class < Self::COUNT as u32).then_some(Self(class as u8))
    }

    /// Lines of storage of this class.
    pub(crate) fn lines(self) -> usize {
        match self.index() {
            small @ 0..3 => small + 1,
            class => (4 + (class - 3) % 4) << ((class - 3) / 4),
        }
    }

    /// The class of storage of exactly `lines` lines, if that is the size of a class.
    pub(crate) fn of(lines: usize) -> Option<Self> {
        Self::holding(lines).filter(|class| class.lines() == lines)
    }

    /// The largest class a lease of `lines` lines may take: no more than a fifth of it would lie idle.
    pub(crate) fn largest_for(self, lines: usize) -> Self {
        let next = Self(self.0 + 1);
        if next.index() < Self::COUNT && next.lines() - next.lines() / 5 <= lines { next } else { self }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every size finds the smallest class that holds it, and at most a fifth of that class is idle.
    #[test]
    fn a_class_holds_its_sizes_with_at_most_a_fifth_idle() {
        let mut previous = Class(0);
        for lines in 1..100_000 {
            let class = Class::holding(lines).unwrap();
            assert!(class.lines() >= lines && class >= previous);
            assert!(class.index() == 0 || Class(class.0 - 1).lines() < lines);
            assert!((class.lines() - lines) * 5 <= class.lines(), "{lines} in {}", class.lines());
            let largest = class.largest_for(lines);
            assert!((largest.lines() - lines) * 5 <= largest.lines(), "{lines} in {}", largest.lines());
            previous = class;
        }
    }

    /// Classes are strictly ascending, each a quarter octave up, and each is its own class.
    #[test]
    fn classes_ascend_by_quarter_octaves() {
        let sizes: Vec<usize> = (0..16).map(|c| Class(c).lines()).collect();
        assert_eq!(sizes, [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32]);
        for class in (0..Class::COUNT as u8).map(Class) {
            assert_eq!(Class::of(class.lines()), Some(class));
        }
        assert_eq!(Class::of(9), None);
    }

    /// Sizes beyond the last class have none.
    #[test]
    fn the_largest_sizes_have_no_class() {
        assert_eq!(Class::holding(1 << 57).map(Class::index), Some(Class::COUNT - 1));
        assert_eq!(Class::holding((1 << 57) + 1), None);
        assert_eq!(Class::holding(usize::MAX), None);
    }
}
