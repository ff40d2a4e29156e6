//! The peaks of a sound: for each stretch of it the lowest and the highest sample, in eight bits.
//!
//! They are what audiowaveform computes: the mean of all channels, in stretches of evenly many samples, scaled to 8 bits
//! towards zero.

use std::num::NonZeroU32;

/// Points, at most: more than a picture has columns, and so few that they take some 40 KB as JSON, also for a sound of
/// many hours.
pub const MAX_POINTS: usize = 4096;

/// Samples of a point of a short sound, as audiowaveform has it by default; twice as many, and again, until
/// [`MAX_POINTS`] will do.
pub const MIN_SAMPLES_PER_POINT: u32 = 256;

/// The peaks of a sound's one channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peaks {
    /// Samples per second.
    rate: NonZeroU32,
    /// Samples of a point: [`MIN_SAMPLES_PER_POINT`] times a power of two.
    samples_per_point: u32,
    /// The lowest and the highest sample of each point; 1 to [`MAX_POINTS`].
    points: Vec<[i8; 2]>,
}

impl Peaks {
    /// `None` where that cannot be: no points or too many, no rate, an odd scale, a lowest above the highest.
    pub fn new(rate: u32, samples_per_point: u32, points: Vec<[i8; 2]>) -> Option<Peaks> {
        let scale = samples_per_point / MIN_SAMPLES_PER_POINT;
        let valid = (1..=MAX_POINTS).contains(&points.len())
            && scale.is_power_of_two()
            && samples_per_point.is_multiple_of(MIN_SAMPLES_PER_POINT)
            && points.iter().all(|[low, high]| low <= high);
        let rate = NonZeroU32::new(rate)?;
        valid.then_some(Peaks { rate, samples_per_point, points })
    }

    /// Samples per second.
    pub fn rate(&self) -> u32 {
        self.rate.get()
    }

    pub fn samples_per_point(&self) -> u32 {
        self.samples_per_point
    }

    pub fn points(&self) -> &[[i8; 2]] {
        &self.points
    }
}

/// Takes samples one after the other and keeps the peaks.
pub struct Meter {
    rate: u32,
    samples_per_point: u32,
    /// Of the whole sound.
    samples: u64,
    /// Of the next sample.
    position: u64,
    /// Samples still to come that are no part of the sound.
    lead: u64,
    /// What samples of another rate have come to beyond `position`, in parts of their rate.
    rest: u32,
    points: Vec<Range>,
}

/// The lowest and the highest of some samples; upside down where there were none.
#[derive(Clone, Copy)]
struct Range {
    low: f32,
    high: f32,
}

const NOTHING: Range = Range { low: f32::INFINITY, high: f32::NEG_INFINITY };

impl Meter {
    /// For a sound of `samples` samples, `rate` of them a second, once the first `lead` were dropped. `None` where it has
    /// none, or more than points can be made of.
    pub fn new(rate: u32, samples: u64, lead: u64) -> Option<Meter> {
        let mut samples_per_point = MIN_SAMPLES_PER_POINT;
        while samples.div_ceil(samples_per_point.into()) > MAX_POINTS as u64 {
            samples_per_point = samples_per_point.checked_mul(2)?;
        }
        let count = usize::try_from(samples.div_ceil(samples_per_point.into())).ok()?;
        (count > 0 && rate > 0).then(|| Meter {
            rate,
            samples_per_point,
            samples,
            position: 0,
            lead,
            rest: 0,
            points: vec![NOTHING; count],
        })
    }

    pub fn samples_per_point(&self) -> u32 {
        self.samples_per_point
    }

    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// The next samples, from −1 to 1. What is beyond the sound's length is dropped.
    pub fn take(&mut self, samples: &[f32]) {
        let lead = usize::try_from(self.lead).unwrap_or(usize::MAX).min(samples.len());
        self.lead -= lead as u64;
        let mut left = samples.get(lead..).unwrap_or_default();
        let a_point = u64::from(self.samples_per_point);
        while !left.is_empty() && self.position < self.samples {
            let room = (a_point - self.position % a_point).min(self.samples - self.position);
            let (now, later) = left.split_at(left.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.put(range(now));
            self.position += now.len() as u64;
            left = later;
        }
    }

    /// The next samples, `rate` of which make a second.
    pub fn take_at(&mut self, rate: u32, samples: &[f32]) {
        if rate == self.rate {
            return self.take(samples);
        }
        for sample in samples {
            if self.lead == 0 && self.position < self.samples {
                self.put(range(&[*sample]));
            }
            self.advance_at(rate, 1);
        }
    }

    /// Passes over `samples` samples of a sound of `rate` that nothing is known of.
    pub fn advance_at(&mut self, rate: u32, samples: u64) {
        let parts = u128::from(samples) * u128::from(self.rate) + u128::from(self.rest);
        let rate = u128::from(rate.max(1));
        self.rest = (parts % rate) as u32;
        let passed = u64::try_from(parts / rate).unwrap_or(u64::MAX);
        let lead = self.lead.min(passed);
        self.lead -= lead;
        self.position = self.position.saturating_add(passed - lead);
    }

    /// Goes to the sample with this index.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    fn put(&mut self, found: Range) {
        let index = usize::try_from(self.position / u64::from(self.samples_per_point)).ok();
        if let Some(point) = index.and_then(|index| self.points.get_mut(index)) {
            point.low = point.low.min(found.low);
            point.high = point.high.max(found.high);
        }
    }

    /// The peaks; a point that got no samples is silent.
    pub fn finish(self) -> Option<Peaks> {
        let points = self.points.iter().map(|Range { low, high }| match low <= high {
            true => [scaled(*low), scaled(*high)],
            false => [0, 0],
        });
        Peaks::new(self.rate, self.samples_per_point, points.collect())
    }
}

/// A sample in 8 bits, towards zero; what is louder than loudest is as loud.
fn scaled(sample: f32) -> i8 {
    // A cast from floating point saturates.
    (sample * 128.0) as i8
}

/// The lowest and the highest of samples; what is no number is none. In lanes, so that several are compared at once.
fn range(samples: &[f32]) -> Range {
    const LANES: usize = 8;
    let (groups, rest) = samples.as_chunks::<LANES>();
    let (mut low, mut high) = ([NOTHING.low; LANES], [NOTHING.high; LANES]);
    for group in groups {
        for ((low, high), sample) in low.iter_mut().zip(&mut high).zip(group) {
            *low = if *sample < *low { *sample } else { *low };
            *high = if *sample > *high { *sample } else { *high };
        }
    }
    let least = low.iter().chain(rest).fold(NOTHING.low, |low, sample| low.min(*sample));
    let most = high.iter().chain(rest).fold(NOTHING.high, |high, sample| high.max(*sample));
    Range { low: least, high: most }
}
