//! Following a numbered list of the catalog: first what was missed, then live.
use super::{page::List, scalar::Long};
use crate::error::Result;
use async_graphql::SimpleObject;
use async_trait::async_trait;
use futures_util::{Stream, stream};
use std::collections::VecDeque;

/// Items fetched from the catalog at once.
pub const CATCH_UP: usize = 500;
/// A subscriber that fell behind by more items than these is told so; fewer are sent all the same.
const MAX_BEHIND: usize = 2_000;

/// The subscriber was too slow, so that something was left out here. The subscription goes on behind it.
#[derive(SimpleObject)]
pub struct Lagged {
    /// How much was left out.
    missed: Long,
    /// Place before what was left out: subscribe with it as `after` to get it.
    cursor: String,
}

/// What came live.
pub enum Live<T> {
    /// An item, and whether the subscriber wants it.
    Item(Box<T>, bool),
    /// Items that are in the catalog only.
    Stored,
    Closed,
}

/// A list that can be followed.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    type Item: Send;
    type Message: Send;
    const LIST: List;

    /// Place of an item.
    fn number(item: &Self::Item) -> u64;
    /// Cursor of a place.
    fn cursor(&self, number: u64) -> String {
        Self::LIST.cursor(number)
    }
    /// Whether an item is news behind the place `last`. Asked for each that comes, in their order.
    fn is_news(&mut self, _last: u64, _item: &Self::Item) -> bool {
        true
    }
    fn message(&self, cursor: String, item: Self::Item) -> Self::Message;
    fn lagged(lagged: Lagged) -> Self::Message;
    /// At most [`CATCH_UP`] items with number > `after`, ascending, of those that the subscriber wants.
    async fn since(&mut self, after: u64) -> Result<Vec<Self::Item>>;
    async fn live(&mut self) -> Result<Live<Self::Item>>;
}

pub struct Follow<S: Source> {
    source: S,
    /// Number of the last item sent or left out.
    last: u64,
    /// Whether items after `last` may be in the catalog that were not received live.
    behind: bool,
    waiting: VecDeque<S::Item>,
}

impl<S: Source> Follow<S> {
    pub const fn new(source: S, last: u64, behind: bool) -> Self {
        Self { source, last, behind, waiting: VecDeque::new() }
    }

    pub fn stream(self) -> impl Stream<Item = async_graphql::Result<S::Message>> {
        stream::unfold(Some(self), |follow| async {
            let mut follow = follow?;
            match follow.next().await {
                Ok(Some(message)) => Some((Ok(message), Some(follow))),
                Ok(None) => None,
                Err(e) => Some((Err(e.into()), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Option<S::Message>> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                match self.pass(item, true) {
                    Some(message) => return Ok(Some(message)),
                    None => continue,
                }
            }
            if self.behind {
                let missed = self.source.since(self.last).await?;
                self.behind = missed.len() == CATCH_UP;
                self.waiting.extend(missed);
                continue;
            }
            match self.source.live().await? {
                Live::Item(item, wanted) => {
                    if let Some(message) = self.pass(*item, wanted) {
                        return Ok(Some(message));
                    }
                }
                Live::Stored => {
                    if let Some(lagged) = self.lagged().await? {
                        return Ok(Some(lagged));
                    }
                }
                Live::Closed => return Ok(None),
            }
        }
    }

    /// The message of an item. What is not for this subscriber is behind him all the same.
    fn pass(&mut self, item: S::Item, wanted: bool) -> Option<S::Message> {
        let number = S::number(&item);
        if number <= self.last {
            return None;
        }
        let news = self.source.is_news(self.last, &item);
        self.last = number;
        (wanted && news).then(|| self.source.message(self.source.cursor(number), item))
    }

    /// What was missed is in the catalog. A few are sent late; many are left out, and said so.
    async fn lagged(&mut self) -> Result<Option<S::Message>> {
        let (mut missed, mut at) = (0, self.last);
        loop {
            let page = self.source.since(at).await?;
            for item in &page {
                missed += usize::from(self.source.is_news(at, item));
                at = S::number(item);
            }
            if page.len() < CATCH_UP {
                break;
            }
        }
        if missed <= MAX_BEHIND {
            self.behind = missed > 0;
            if !self.behind {
                self.last = at;
            }
            return Ok(None);
        }
        let cursor = self.source.cursor(self.last);
        self.last = at;
        Ok(Some(S::lagged(Lagged { missed: Long(missed as u64), cursor })))
    }
}
