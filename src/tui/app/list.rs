//! The list of exchanges: rows in the order of their beginning, those that pass the filter, and the selection.

use crate::diagnose::Severity;
use crate::exchange::ExchangeId;
use crate::filter::Filter;
use crate::index::Row;

/// Rows that are filtered at once, so that no frame takes long.
const FILTERED_AT_ONCE: usize = 20_000;

/// The list of exchanges.
#[derive(Debug, Default)]
pub struct List {
    rows: Vec<Row>,
    shown: Vec<ExchangeId>,
    filter: Filter,
    /// So many rows have been looked at since the filter changed.
    filtered: usize,
    selected: Option<ExchangeId>,
    /// Whether more will come, and the last row is worth following.
    is_growing: bool,
    /// Whether the selection stays on the last row.
    pub is_following: bool,
    /// The number of the first row on the screen.
    pub top: usize,
}

impl List {
    /// An empty list whose selection follows what comes.
    pub fn following() -> Self {
        Self { is_growing: true, is_following: true, ..Self::default() }
    }

    /// Keeps the selection on the last row from now on, or leaves it where it is.
    pub fn switch_following(&mut self) {
        self.is_following = self.is_growing && !self.is_following;
        if self.is_following {
            self.selected = self.shown.last().copied();
        }
    }

    /// All rows, by the beginning of their exchanges.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many rows pass the filter.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether no row passes the filter.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The rows that pass the filter, from this number on.
    pub fn shown_from(&self, first: usize) -> impl Iterator<Item = &Row> {
        self.shown.iter().skip(first).filter_map(|id| self.row(*id))
    }

    /// The row of an exchange.
    pub fn row(&self, id: ExchangeId) -> Option<&Row> {
        let at = self.place(id).ok()?;
        self.rows.get(at)
    }

    fn place(&self, id: ExchangeId) -> Result<usize, usize> {
        // Nearly always it is the next one.
        if self.rows.last().is_none_or(|last| last.id < id) {
            return Err(self.rows.len());
        }
        self.rows.binary_search_by_key(&id, |row| row.id)
    }

    /// Puts a row in, or in the place of what was known of its exchange.
    pub fn put(&mut self, row: Row) {
        let id = row.id;
        match self.place(id) {
            Ok(at) => {
                if let Some(there) = self.rows.get_mut(at) {
                    *there = row;
                }
            }
            Err(at) => {
                if at < self.filtered {
                    self.filtered += 1;
                } else if at == self.filtered && at == self.rows.len() {
                    // Everything before it has been looked at, and it will be right now.
                    self.filtered += 1;
                }
                self.rows.insert(at, row);
            }
        }
        self.filter_again(id);
    }

    /// Takes a row out.
    pub fn remove(&mut self, id: ExchangeId) {
        if let Ok(at) = self.place(id) {
            self.rows.remove(at);
            if at < self.filtered {
                self.filtered -= 1;
            }
        }
        self.show(id, false);
    }

    /// Marks an exchange with the worst that was found about it.
    pub fn mark(&mut self, id: ExchangeId, mark: Option<Severity>) {
        if let Ok(at) = self.place(id)
            && let Some(row) = self.rows.get_mut(at)
        {
            row.mark = mark;
            self.filter_again(id);
        }
    }

    /// Looks at one row again, if the filter has got so far already.
    fn filter_again(&mut self, id: ExchangeId) {
        if let Ok(at) = self.place(id)
            && at < self.filtered
            && let Some(row) = self.rows.get(at)
        {
            self.show(id, self.filter.passes(row));
        }
    }

    fn show(&mut self, id: ExchangeId, is_shown: bool) {
        let place = if self.shown.last().is_none_or(|last| *last < id) {
            Err(self.shown.len())
        } else {
            self.shown.binary_search(&id)
        };
        match (place, is_shown) {
            (Ok(at), false) => {
                self.shown.remove(at);
                if self.selected == Some(id) {
                    self.selected = self.shown.get(at).or(self.shown.last()).copied();
                }
            }
            (Err(at), true) => self.shown.insert(at, id),
            (Ok(_), true) | (Err(_), false) => {}
        }
        if self.is_following || self.selected.is_none() {
            self.selected = self.shown.last().copied();
        }
    }

    /// The filter in force.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows only rows that pass this filter; [`List::filter_more`] does the looking.
    pub fn set_filter(&mut self, filter: Filter) {
        if filter == self.filter {
            return;
        }
        self.filter = filter;
        self.shown.clear();
        self.filtered = 0;
        self.top = 0;
        self.filter_more();
    }

    /// Looks at more rows; says whether there were any to look at.
    pub fn filter_more(&mut self) -> bool {
        let Some(rest) = self.rows.get(self.filtered..).filter(|rest| !rest.is_empty()) else {
            return false;
        };
        let now = rest.iter().take(FILTERED_AT_ONCE);
        self.shown.extend(now.filter(|row| self.filter.passes(row)).map(|row| row.id));
        self.filtered = self.rows.len().min(self.filtered.saturating_add(FILTERED_AT_ONCE));
        let is_hidden = self.selected.is_none_or(|id| self.shown.binary_search(&id).is_err());
        if self.is_following || (is_hidden && !self.is_filtering()) {
            self.selected = self.shown.last().copied();
        }
        true
    }

    /// Whether there are rows that the filter has not looked at yet.
    pub fn is_filtering(&self) -> bool {
        self.filtered < self.rows.len()
    }

    /// The selected exchange.
    pub fn selected(&self) -> Option<ExchangeId> {
        self.selected
    }

    /// The number of the selected row among those shown.
    pub fn selected_at(&self) -> Option<usize> {
        self.selected.and_then(|id| self.shown.binary_search(&id).ok())
    }

    /// Selects an exchange, wherever it is.
    pub fn select(&mut self, id: ExchangeId) {
        self.is_following = false;
        self.selected = Some(id);
    }

    /// Moves the selection by so many rows. At the end it follows what comes.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.shown.len().saturating_sub(1);
        let at = self.selected_at().unwrap_or(last).saturating_add_signed(rows).min(last);
        self.selected = self.shown.get(at).copied();
        self.is_following = self.is_growing && rows > 0 && at == last;
    }

    /// Moves the selection to the next exchange with trouble, or back to the one before.
    pub fn move_to_trouble(&mut self, direction: Direction) {
        let is_trouble = |id: &&ExchangeId| self.row(**id).is_some_and(|row| row.severity() > Severity::Normal);
        let at = self.selected_at();
        let found = match direction {
            Direction::Forward => self.shown.iter().skip(at.map_or(0, |at| at + 1)).find(is_trouble),
            Direction::Back => self.shown.iter().take(at.unwrap_or(0)).rev().find(is_trouble),
        };
        if let Some(id) = found.copied() {
            self.select(id);
        }
    }

    /// Moves what is on the screen so that the selection is in it.
    pub fn scroll_to_selection(&mut self, height: usize) {
        let last_top = self.shown.len().saturating_sub(height);
        self.top = self.top.min(last_top);
        if let Some(at) = self.selected_at() {
            let lowest_top = (at + 1).saturating_sub(height);
            self.top = self.top.clamp(lowest_top, at.max(lowest_top));
        }
    }
}

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards what came later.
    Forward,
    /// Towards what came earlier.
    Back,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Exchange, Moment, Origin, RequestHead, Target};
    use crate::registry::Context;

    fn id(number: u64) -> ExchangeId {
        ExchangeId::new(number).unwrap()
    }

    fn row(number: u64) -> Row {
        let target = Target::https(if number.is_multiple_of(2) { "even.test" } else { "odd.test" }, 443);
        let mut exchange = Exchange::new(id(number), Origin::Live, target, Moment::EPOCH);
        exchange.request = Some(RequestHead::new("GET", "/"));
        Row::of(&exchange, &Context::new())
    }

    fn numbers(list: &List) -> Vec<u64> {
        list.shown_from(0).map(|row| row.id.number()).collect()
    }

    #[test]
    fn stands_in_the_order_of_beginnings_whatever_ends_first() {
        let mut list = List::following();
        for number in [2, 5, 1, 4, 5] {
            list.put(row(number));
        }
        assert_eq!(numbers(&list), [1, 2, 4, 5]);
        assert_eq!(list.selected(), Some(id(5)));
        list.move_by(-2);
        list.put(row(3));
        assert_eq!((list.selected(), list.is_following), (Some(id(2)), false));
        list.remove(id(2));
        assert_eq!((numbers(&list), list.selected()), (vec![1, 3, 4, 5], Some(id(3))));
        list.move_by(9);
        list.put(row(6));
        assert_eq!(list.selected(), Some(id(6)));
    }

    #[test]
    fn filters_step_by_step_and_misses_nothing_that_comes_meanwhile() {
        const MANY: u64 = 50_000;
        let mut list = List::following();
        (1..=MANY).filter(|number| *number != 7).for_each(|number| list.put(row(number)));
        list.set_filter(Filter::new("even").unwrap());
        assert!(list.is_filtering());
        list.put(row(7));
        list.put(row(MANY + 1));
        list.put(row(MANY + 2));
        let mut steps = 0;
        while list.filter_more() {
            steps += 1;
        }
        list.put(row(MANY + 4));
        let expected: Vec<_> = (1..=MANY + 2).filter(|number| number.is_multiple_of(2)).chain([MANY + 4]).collect();
        assert_eq!(numbers(&list), expected);
        assert!(steps > 1);
        list.set_filter(Filter::default());
        while list.filter_more() {}
        assert_eq!(list.len() as u64, MANY + 3);
    }

    #[test]
    fn a_mark_can_bring_a_row_in_and_take_it_out() {
        let mut list = List::following();
        (1..=3).for_each(|number| list.put(row(number)));
        list.set_filter(Filter::new("is:error").unwrap());
        assert_eq!(numbers(&list), [0; 0]);
        list.mark(id(2), Some(Severity::Error));
        assert_eq!(numbers(&list), [2]);
        list.mark(id(2), None);
        assert_eq!((numbers(&list), list.selected()), (vec![], None));
    }

    #[test]
    fn goes_from_trouble_to_trouble() {
        let mut list = List::following();
        (1..=9).for_each(|number| list.put(row(number)));
        list.mark(id(3), Some(Severity::Error));
        list.mark(id(6), Some(Severity::Notice));
        let mut go = |direction| {
            list.move_to_trouble(direction);
            list.selected().map(ExchangeId::number)
        };
        assert_eq!([Direction::Back; 3].map(&mut go), [Some(6), Some(3), Some(3)]);
        assert_eq!([Direction::Forward; 2].map(&mut go), [Some(6), Some(6)]);
    }

    #[test]
    fn keeps_the_selection_on_the_screen() {
        let mut list = List::following();
        (1..=100).for_each(|number| list.put(row(number)));
        let mut top_after = |rows| {
            list.move_by(rows);
            list.scroll_to_selection(10);
            list.top
        };
        assert_eq!([0, -5, -5, -200, 3, 9, 500].map(&mut top_after), [90, 90, 89, 0, 0, 3, 90]);
    }
}
