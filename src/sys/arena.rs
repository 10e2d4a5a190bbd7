//! Places in shared memory that one process writes and others read.
//!
//! An [`Arena`] is a file without a name, mapped once by everyone: writable by its creator, who owns
//! the [`Place`]s in it, and read-only by all others, who get a [`View`] by its [`Whereabouts`] in
//! a message. The kernel refuses any other map (F_SEAL_FUTURE_WRITE). All of its memory is taken
//! and faulted in when it is made, so that no write is slow or ends in a SIGBUS later; it lies in
//! huge pages where the machine grants them. Nothing is left of it when the last process that has
//! it goes.
//!
//! What a place holds is the business of those who agree on it: beside each lies a word for that.
//! See [`crate::handoff::Slots`].

use super::segment::{LINE, Whereabouts as FileAt, memory_file, seal, take_memory};
use memmap2::{Advice, MmapOptions, MmapRaw};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A huge page.
const HUGE: usize = 2 << 20;
const PAGE: usize = 4096;

/// How the places lie in the file: one after the other, then a word for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Layout {
    places: usize,
    /// Bytes of a place that are used.
    bytes: usize,
    /// Bytes from one to the next.
    stride: usize,
}

impl Layout {
    fn new(places: usize, bytes: usize) -> Option<Self> {
        let align = if bytes >= HUGE { HUGE } else { PAGE };
        let layout = Self {
            places,
            bytes,
            stride: bytes.checked_next_multiple_of(align)?,
        };
        layout
            .stride
            .checked_mul(places)?
            .checked_add(places.checked_mul(LINE)? + HUGE)?;
        Some(layout)
    }

    const fn words(&self) -> usize {
        self.stride * self.places
    }

    const fn total(&self) -> usize {
        let align = if self.stride.is_multiple_of(HUGE) {
            HUGE
        } else {
            PAGE
        };
        (self.words() + self.places * LINE).next_multiple_of(align)
    }
}

/// Memory for some places, writable by this process alone. A clone is the same memory.
#[derive(Clone, Debug)]
pub struct Arena(Arc<Mapping>);

#[derive(Debug)]
struct Mapping {
    layout: Layout,
    map: MmapRaw,
    /// Kept open by the creator, for others to open.
    file: Option<File>,
}

/// Where another process finds an [`Arena`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whereabouts {
    file: FileAt,
    layout: Layout,
}

/// The right to write one place of an [`Arena`]: there is one of each.
#[derive(Debug)]
pub struct Place {
    arena: Arena,
    index: usize,
}

impl Arena {
    /// Memory that an arena of so many places takes, each of so many bytes.
    pub fn size(places: usize, bytes: usize) -> u64 {
        Layout::new(places, bytes).map_or(u64::MAX, |layout| layout.total() as u64)
    }

    /// So many places of so many bytes each, all zeros, and the right to write each of them.
    ///
    /// # Errors
    /// If the system has no memory or no descriptor left for it.
    pub fn create(places: usize, bytes: usize) -> io::Result<(Self, Vec<Place>)> {
        let layout = Layout::new(places, bytes);
        let layout = layout.ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        // Huge pages that were set aside for whoever asks; none are on most machines.
        let set_aside = (layout.stride >= HUGE)
            .then(|| Mapping::create(layout, libc::MFD_HUGETLB | libc::MFD_HUGE_2MB).ok());
        let mapping = match set_aside.flatten() {
            Some(mapping) => mapping,
            None => Mapping::create(layout, 0)?,
        };
        let arena = Self(Arc::new(mapping));
        let place = |index| Place {
            arena: arena.clone(),
            index,
        };
        let all = (0..places).map(place).collect();
        Ok((arena, all))
    }

    /// Where others find it, as long as this process has it.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn whereabouts(&self) -> io::Result<Whereabouts> {
        let file = self.0.file.as_ref();
        let file = file.ok_or_else(|| io::Error::other("only an arena's creator lends it"))?;
        Ok(Whereabouts {
            file: FileAt::of(file)?,
            layout: self.0.layout,
        })
    }

    /// The word beside place `index`; none if there is no such place.
    pub fn word(&self, index: usize) -> Option<&AtomicU64> {
        self.0.word(index)
    }

    /// All bytes of it, and those of them that lie in huge pages now.
    pub fn bytes(&self) -> (u64, u64) {
        let huge = huge_bytes(self.0.map.as_ptr() as usize).unwrap_or(0);
        (self.0.layout.total() as u64, huge)
    }
}

impl Mapping {
    fn create(layout: Layout, flags: libc::c_uint) -> io::Result<Self> {
        let file = memory_file(layout.total() as u64, flags)?;
        let map = MmapRaw::map_raw(&file)?;
        // Asked for before there is a page, since none is made huge later. Kernels that cannot say
        // so, and have neither; what matters is that the memory is there, which the next line sees
        // to. Faulting it in here spares the first frames that.
        let _ = map.advise(Advice::HugePage);
        let _ = map.advise(Advice::PopulateWrite);
        take_memory(&file, layout.total() as u64)?;
        // Not before there is this one writable map.
        seal(&file, libc::F_SEAL_FUTURE_WRITE | libc::F_SEAL_SEAL)?;
        Ok(Self {
            layout,
            map,
            file: Some(file),
        })
    }

    /// Where place `index` begins; none if there is no such place.
    fn start(&self, index: usize) -> Option<*mut u8> {
        if index >= self.layout.places {
            return None;
        }
        // SAFETY: within the map, whose length is the layout's total.
        Some(unsafe { self.map.as_mut_ptr().add(index * self.layout.stride) })
    }

    fn word(&self, index: usize) -> Option<&AtomicU64> {
        if index >= self.layout.places {
            return None;
        }
        let at = self.layout.words() + index * LINE;
        // SAFETY: as in `start`; words begin on a page and lie a line apart, so they are aligned.
        // They are mapped as long as `self`, and everyone uses them as this type alone. In a view
        // they cannot be written, and are only loaded.
        Some(unsafe { &*self.map.as_mut_ptr().add(at).cast::<AtomicU64>() })
    }
}

impl Place {
    /// Its number in the arena.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The word beside it.
    pub fn word(&self) -> &AtomicU64 {
        match self.arena.word(self.index) {
            Some(word) => word,
            None => unreachable!("a place is one of its arena's"),
        }
    }
}

impl Deref for Place {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let start = self
            .arena
            .0
            .start(self.index)
            .unwrap_or(std::ptr::dangling_mut());
        // SAFETY: in bounds and mapped as long as `self.arena`. Only whoever has the one `Place` of
        // this index writes here, through `deref_mut`, which borrows it exclusively; other
        // processes have read-only maps.
        unsafe { std::slice::from_raw_parts(start, self.arena.0.layout.bytes) }
    }
}

impl DerefMut for Place {
    fn deref_mut(&mut self) -> &mut [u8] {
        let start = self
            .arena
            .0
            .start(self.index)
            .unwrap_or(std::ptr::dangling_mut());
        // SAFETY: as above. Another process may read these bytes meanwhile, if it does not keep to
        // what was agreed on: it sees that by the word, and so takes nothing for a frame that is none.
        unsafe { std::slice::from_raw_parts_mut(start, self.arena.0.layout.bytes) }
    }
}

/// An [`Arena`] as others see it: read-only. A clone is the same map.
#[derive(Clone, Debug)]
pub struct View(Arc<Mapping>);

impl View {
    /// Maps the arena that lies there, once; all of it is faulted in.
    ///
    /// # Errors
    /// If its creator is gone or does not have it any more, or the system refuses.
    pub fn open(at: &Whereabouts) -> io::Result<Self> {
        let file = at.file.open(false).map_err(io::Error::other)?;
        let map = MmapOptions::new().map_raw_read_only(&file)?;
        let fits = Layout::new(at.layout.places, at.layout.bytes) == Some(at.layout);
        if !fits || map.len() != at.layout.total() {
            return Err(io::Error::other(
                "this shared memory is no arena of that layout",
            ));
        }
        let _ = map.advise(Advice::HugePage);
        let _ = map.advise(Advice::PopulateRead);
        Ok(Self(Arc::new(Mapping {
            layout: at.layout,
            map,
            file: None,
        })))
    }

    /// The word beside place `index`; none if there is no such place.
    pub fn word(&self, index: usize) -> Option<&AtomicU64> {
        self.0.word(index)
    }

    /// What lies in place `index`; none if there is no such place.
    ///
    /// Its creator may write there at any time: whether what was read was whole is for the word to
    /// say, and to be asked afterwards.
    pub fn bytes(&self, index: usize) -> Option<&[u8]> {
        let start = self.0.start(index)?;
        // SAFETY: in bounds and mapped as long as `self`, and its size is sealed. Its creator does
        // not write while a lease on it is out, and whoever reads holds one; if either breaks that,
        // integers change while they are read, as in a file that is mapped, which no reader here
        // trusts twice, and the word tells.
        Some(unsafe { std::slice::from_raw_parts(start, self.0.layout.bytes) })
    }
}

/// Bytes of the map that begins at `address` that lie in huge pages; none if the system does not tell.
fn huge_bytes(address: usize) -> Option<u64> {
    let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
    let begin = format!("{address:x}-");
    let own = maps
        .lines()
        .skip_while(|line| !line.starts_with(&begin))
        .skip(1);
    let fields = own.map_while(|line| {
        let (name, value) = line.split_once(':')?;
        // The next map's line has an address where a field has its name.
        (!name.contains('-')).then_some((name, value))
    });
    let of = |(name, value): (&str, &str)| {
        let kilobytes: u64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        ["ShmemPmdMapped", "Shared_Hugetlb", "Private_Hugetlb"]
            .contains(&name)
            .then_some(kilobytes << 10)
    };
    Some(fields.filter_map(of).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn what_is_written_to_a_place_is_seen_there_and_nowhere_else() {
        for bytes in [100, PAGE, HUGE + 1] {
            let (arena, mut places) = Arena::create(3, bytes).unwrap();
            let at = serde_json::to_string(&arena.whereabouts().unwrap()).unwrap();
            let view = View::open(&serde_json::from_str(&at).unwrap()).unwrap();
            for (index, place) in places.iter_mut().enumerate() {
                assert_eq!(place.index(), index);
                place.fill(index as u8 + 1);
                place.word().store(index as u64 + 7, Relaxed);
            }
            for index in 0..3 {
                assert_eq!(view.bytes(index).unwrap(), vec![index as u8 + 1; bytes]);
                assert_eq!(view.word(index).unwrap().load(Relaxed), index as u64 + 7);
            }
            assert!(view.bytes(3).is_none() && view.word(3).is_none());
            assert_eq!(arena.bytes().0, Arena::size(3, bytes));
        }
    }

    #[test]
    fn nobody_else_can_have_it_writable_or_another_size() {
        let (arena, places) = Arena::create(1, 10).unwrap();
        let at = arena.whereabouts().unwrap();
        let file = at.file.open(true).unwrap();
        assert!(MmapRaw::map_raw(&file).is_err());
        assert!(file.set_len(1).is_err() && file.set_len(1 << 20).is_err());
        let mut lie = at.clone();
        lie.layout.places = 1 << 40;
        assert!(View::open(&lie).is_err());
        drop((arena, places, file));
        assert!(View::open(&at).is_err(), "it is gone");
    }

    #[test]
    fn a_size_that_cannot_be_is_refused() {
        assert!(Arena::create(usize::MAX, 1 << 20).is_err());
        assert!(Arena::create(1 << 30, 1 << 40).is_err());
        assert_eq!(Arena::size(usize::MAX, usize::MAX), u64::MAX);
    }
}
