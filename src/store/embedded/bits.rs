//! A set of documents of one segment, one bit each.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    pub fn empty(len: u32) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len }
    }

    pub fn full(len: u32) -> Self {
        let mut bits = Self { words: vec![u64::MAX; len.div_ceil(64) as usize], len };
        bits.trim();
        bits
    }

    /// Clears what lies behind the last document.
    fn trim(&mut self) {
        if let (Some(last), rest @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << rest) - 1;
        }
    }

    pub fn insert(&mut self, doc: u32) {
        if let Some(word) = self.words.get_mut(doc as usize / 64) {
            *word |= 1 << (doc % 64);
        }
    }

    /// Removes a document; whether it was there.
    pub fn take(&mut self, doc: u32) -> bool {
        let there = self.contains(doc);
        if let Some(word) = self.words.get_mut(doc as usize / 64) {
            *word &= !(1 << (doc % 64));
        }
        there
    }

    pub fn contains(&self, doc: u32) -> bool {
        self.words.get(doc as usize / 64).is_some_and(|w| w & (1 << (doc % 64)) != 0)
    }

    pub fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    pub fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    pub fn not(&mut self) {
        self.words.iter_mut().for_each(|w| *w = !*w);
        self.trim();
    }

    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    pub fn is_full(&self) -> bool {
        self.count() == u64::from(self.len)
    }

    /// Documents of the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip(0u32..).flat_map(|(word, i)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(i * 64 + bit)
            })
        })
    }
}

/// A set as it is kept in the cache: few documents as a list, many as bits.
#[derive(Debug)]
pub enum Packed {
    List(Vec<u32>),
    Bits(Bits),
}

impl Packed {
    pub fn new(bits: &Bits) -> Self {
        if bits.count() * 32 < u64::from(bits.len) {
            Self::List(bits.iter().collect())
        } else {
            Self::Bits(bits.clone())
        }
    }

    pub fn add_to(&self, bits: &mut Bits) {
        match self {
            Self::List(docs) => docs.iter().for_each(|d| bits.insert(*d)),
            Self::Bits(b) => bits.or(b),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Self::List(docs) => docs.len() * 4,
            Self::Bits(b) => b.words.len() * 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algebra() {
        for len in [0, 1, 63, 64, 65, 1000] {
            assert_eq!(Bits::full(len).count(), u64::from(len));
            let mut even = Bits::empty(len);
            (0..len).step_by(2).for_each(|d| even.insert(d));
            let mut odd = even.clone();
            odd.not();
            assert_eq!(odd.iter().collect::<Vec<_>>(), (0..len).filter(|d| d % 2 == 1).collect::<Vec<_>>());
            let mut both = even.clone();
            both.and(&odd);
            assert!(both.is_empty());
            both.or(&even);
            both.or(&odd);
            assert!(both.is_full());
            for set in [even, odd, both] {
                let mut again = Bits::empty(len);
                Packed::new(&set).add_to(&mut again);
                assert_eq!(again, set);
            }
        }
    }
}
