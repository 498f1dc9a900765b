//! When people work: in several time zones, on weekdays that are no holidays, and more in some weeks than in others.

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
/// The working day in local time.
const MORNING: i64 = 9 * HOUR;
const WORKDAY: i64 = 9 * HOUR;
/// When the first office opens, in UTC. The last one closes 24 hours later.
const FIRST_OFFICE: i64 = 3 * HOUR;

/// A place with an office: its offset from UTC in minutes, how many work there, and its holidays (month, day).
struct Office {
    offset: i64,
    people: u32,
    holidays: &'static [(i8, i8)],
}

const OFFICES: [Office; 6] = [
    Office { offset: 60, people: 34, holidays: &[(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)] },
    Office { offset: 0, people: 12, holidays: &[(1, 1), (12, 25), (12, 26)] },
    Office { offset: -300, people: 18, holidays: &[(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)] },
    Office { offset: -480, people: 12, holidays: &[(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)] },
    Office { offset: 330, people: 18, holidays: &[(1, 26), (8, 15), (10, 2), (12, 25)] },
    Office { offset: -180, people: 6, holidays: &[(1, 1), (4, 21), (9, 7), (10, 12), (11, 15), (12, 25)] },
];

/// The working days of the company's whole history.
#[derive(Debug)]
pub(super) struct Calendar {
    /// The first day, counted from 1970.
    first: i64,
    /// For each office, how many working days lie before each day.
    before: Vec<Vec<u32>>,
    /// How much of the company's work lies before each day.
    work: Vec<f64>,
}

impl Calendar {
    /// The days between two moments, with some room at both ends.
    pub(super) fn new(begin: i64, until: i64) -> Calendar {
        let first = begin.div_euclid(DAY) - 14;
        let days = until.div_euclid(DAY) + 30 - first;
        let dates = (first..first + days).map(Date::of);
        let dates: Vec<Date> = dates.collect();
        let before = OFFICES.iter().map(|office| running(dates.iter().map(|date| u32::from(office.works(date)))));
        let work = dates.iter().map(Date::work);
        Calendar { first, before: before.collect(), work: running(work) }
    }

    /// The office of somebody, chosen by a number below 100.
    pub(super) fn office(lot: u32) -> u8 {
        let mut left = lot;
        let mut offices = OFFICES.iter().take_while(|office| {
            let further = left >= office.people;
            left = left.saturating_sub(office.people);
            further
        });
        offices.by_ref().count().min(OFFICES.len() - 1) as u8
    }

    /// How much of the company's work was done before a moment.
    pub(super) fn share(&self, at: i64) -> f64 {
        let place = (at - FIRST_OFFICE).div_euclid(DAY) - self.first;
        let place = place.clamp(0, self.work.len() as i64 - 2) as usize;
        let of_day = (at - FIRST_OFFICE).rem_euclid(DAY) as f64 / DAY as f64;
        self.work[place] + of_day * (self.work[place + 1] - self.work[place])
    }

    /// The moment before which so much work was done: the inverse of `share`.
    pub(super) fn moment(&self, share: f64) -> i64 {
        let place = self.work.partition_point(|before| *before <= share).clamp(1, self.work.len() - 1) - 1;
        let of_day = (share - self.work[place]) / (self.work[place + 1] - self.work[place]).max(1e-9);
        (self.first + place as i64) * DAY + FIRST_OFFICE + (of_day.clamp(0.0, 1.0) * DAY as f64) as i64
    }

    /// Whether an office works at a moment.
    pub(super) fn at_work(&self, office: u8, at: i64) -> bool {
        let local = at + OFFICES[usize::from(office)].offset * 60_000;
        let place = self.place(local);
        let days = &self.before[usize::from(office)];
        let hours = MORNING - HOUR..MORNING + WORKDAY + HOUR;
        days[place + 1] > days[place] && hours.contains(&local.rem_euclid(DAY))
    }

    /// How many milliseconds an office had worked at a moment.
    pub(super) fn worked(&self, office: u8, at: i64) -> i64 {
        let local = at + OFFICES[usize::from(office)].offset * 60_000;
        let place = self.place(local);
        let days = &self.before[usize::from(office)];
        let today = i64::from(days[place + 1] - days[place]);
        i64::from(days[place]) * WORKDAY + today * (local.rem_euclid(DAY) - MORNING).clamp(0, WORKDAY)
    }

    /// When an office had worked so long: the inverse of `worked`.
    pub(super) fn when(&self, office: u8, worked: i64) -> i64 {
        let days = &self.before[usize::from(office)];
        let (full, rest) = (worked.div_euclid(WORKDAY), worked.rem_euclid(WORKDAY));
        // The day before which exactly so many working days lie, and which is one itself.
        let place = days.partition_point(|before| i64::from(*before) <= full).clamp(1, days.len() - 1) - 1;
        (self.first + place as i64) * DAY + MORNING + rest - OFFICES[usize::from(office)].offset * 60_000
    }

    fn place(&self, at: i64) -> usize {
        (at.div_euclid(DAY) - self.first).clamp(0, self.work.len() as i64 - 2) as usize
    }
}

impl Office {
    fn works(&self, date: &Date) -> bool {
        date.weekday < 5 && !self.holidays.contains(&(date.month, date.day))
    }
}

/// A day of the calendar.
struct Date {
    month: i8,
    day: i8,
    /// Monday is 0.
    weekday: i64,
}

impl Date {
    /// 1 January 1970 was a Thursday.
    fn of(day: i64) -> Date {
        let at = jiff::Timestamp::from_second(day * 86_400).unwrap_or_default();
        let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        Date { month: date.month(), day: date.day(), weekday: (day + 3).rem_euclid(7) }
    }

    /// How much the company works on a day, compared to others.
    fn work(&self) -> f64 {
        let holiday = matches!((self.month, self.day), (1, 1) | (12, 24..=26) | (12, 31));
        if self.weekday > 4 || holiday {
            return 0.004;
        }
        let season = match (self.month, self.day) {
            (12, 20..) | (1, ..=5) => 0.35,
            (8, _) => 0.75,
            (7, _) => 0.9,
            _ => 1.0,
        };
        season * [0.95, 1.08, 1.06, 1.03, 0.88][self.weekday as usize]
    }
}

/// What lies before each item, and before the end.
fn running<T: Copy + Default + std::ops::AddAssign>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut sum = T::default();
    let mut sums = vec![sum];
    for item in items {
        sum += item;
        sums.push(sum);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saturday, 10 January 2026, noon.
    const SATURDAY: i64 = 1_768_046_400_000;

    fn year() -> Calendar {
        Calendar::new(SATURDAY - 300 * DAY, SATURDAY + 60 * DAY)
    }

    #[test]
    fn nobody_works_on_saturday_and_everybody_somewhen_on_monday() {
        let calendar = year();
        for office in 0..OFFICES.len() as u8 {
            assert!(!calendar.at_work(office, SATURDAY));
            assert!((0..24).any(|hour| calendar.at_work(office, SATURDAY + DAY * 3 / 2 + hour * HOUR)));
        }
    }

    #[test]
    fn work_and_time_are_each_other_s_inverse() {
        let calendar = year();
        for step in 0..2_000 {
            let worked = 100 * WORKDAY + step * 777_777;
            let at = calendar.when(2, worked);
            assert_eq!(calendar.worked(2, at), worked);
            assert!(calendar.at_work(2, at));

            let at = calendar.moment(100.0 + step as f64 / 100.0);
            assert!((calendar.share(at) - 100.0 - step as f64 / 100.0).abs() < 1e-4);
        }
    }

    #[test]
    fn offices_are_as_full_as_they_are_big() {
        let staff = (0..100).filter(|lot| Calendar::office(*lot) == 0).count();

        assert_eq!(staff, 34);
        assert_eq!(Calendar::office(99), 5);
    }
}
