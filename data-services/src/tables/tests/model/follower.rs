use std::collections::BTreeSet;
use std::time::Duration;

use super::bounds::Bounds;
use super::view::View;
use super::world::NOW;
use crate::tables::tests::world::stream;
use crate::tables::{FollowEffect, FollowedTables, PublishedTables, StreamPhase};
use crate::{Instance, Row};

/// One follower at one moment.
#[derive(Clone, Hash)]
pub(super) struct Follower {
    pub(super) instance: Instance,
    pub(super) tables: FollowedTables,
    /// What its application has, by table.
    pub(super) views: Vec<View>,
    pub(super) is_following: bool,
    /// Whether what is sent on the topics from now on reaches it.
    pub(super) is_topic_active: bool,
    /// Whether the registry at the publisher lists it.
    pub(super) is_listed: bool,
    /// Whether the publisher counts as up at it.
    pub(super) is_up: bool,
    /// Something did not reach it since it was live with the latest rows.
    pub(super) is_lost: bool,
    /// Once its tables have the same last commit, they have it after each update, unless there is a snapshot.
    pub(super) is_aligned: bool,
}

impl Follower {
    pub(super) fn new(bounds: &Bounds, number: u64) -> Self {
        Self {
            instance: Instance::of(number),
            tables: FollowedTables::new(bounds.options(), fastrand::Rng::with_seed(number)),
            views: new_views(bounds),
            is_following: false,
            is_topic_active: false,
            is_listed: false,
            is_up: true,
            is_lost: false,
            is_aligned: false,
        }
    }

    pub(super) fn follow(&mut self, bounds: &Bounds) -> Vec<FollowEffect> {
        self.is_following = true;
        let mut effects = vec![];
        for table in bounds.tables {
            self.tables.follow(NOW, stream(table), &mut effects);
        }
        if !self.is_up {
            self.tables.publisher_state(NOW, stream("p").instance, false, &mut effects);
        }
        effects
    }

    /// Ends to follow; the application forgets the rows.
    pub(super) fn unfollow(&mut self, bounds: &Bounds) -> Vec<FollowEffect> {
        let mut effects = vec![];
        for table in bounds.tables {
            self.tables.unfollow(NOW, &stream(table), &mut effects);
        }
        (self.is_following, self.is_lost, self.is_aligned) = (false, false, false);
        self.views = new_views(bounds);
        effects
    }

    pub(super) fn set_up(&mut self, is_up: bool) -> Vec<FollowEffect> {
        self.is_up = is_up;
        let mut effects = vec![];
        self.tables.publisher_state(NOW, stream("p").instance, is_up, &mut effects);
        effects
    }

    pub(super) fn reset(&mut self) -> Vec<FollowEffect> {
        let mut effects = vec![];
        self.tables.links_reset(NOW, &mut effects);
        effects
    }

    /// Whether what is published now may not be sent to it.
    pub(super) fn misses(&self) -> bool {
        self.is_following && !self.is_listed
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<FollowEffect> {
        self.tables.age(time);
        self.views.iter_mut().for_each(|view| view.age(time));
        let mut effects = vec![];
        self.tables.tick(NOW, &mut effects);
        effects
    }

    /// Whether it is live with the rows of the publisher.
    pub(super) fn is_equal(&self, bounds: &Bounds, publisher: &PublishedTables) -> bool {
        let is_equal = |(view, table): (&View, &&str)| {
            let (now, rows) = (publisher.position(&stream(table)), publisher.rows(&stream(table)));
            let rows = rows.into_iter().flatten().collect::<BTreeSet<Row>>();
            let at = self.tables.rows(&stream(table)).map(|(at, _)| at);
            view.phase == StreamPhase::Live && now.is_some() && at == now && view.rows == rows
        };
        self.views.iter().zip(bounds.tables).all(is_equal)
    }

    /// What does not hold at this moment.
    pub(super) fn check(&mut self, bounds: &Bounds, is_equal: bool, is_quiet: bool) -> Option<&'static str> {
        self.is_lost &= !is_equal;
        let mut broken = None;
        for (view, table) in self.views.iter_mut().zip(bounds.tables) {
            let Some((at, rows)) = self.tables.rows(&stream(table)) else { continue };
            broken = broken.or(view.broken(at));
            if rows.into_iter().collect::<BTreeSet<_>>() != view.rows {
                broken = Some("complete or loud: the updates do not lead to the rows that are kept");
            }
        }
        let is_live = self.views.iter().all(|view| view.phase == StreamPhase::Live);
        if is_live && !is_equal && !self.is_lost && is_quiet {
            broken = Some("complete or loud: live, nothing was lost nor is on its way, and rows are old");
        }
        broken
    }
}

fn new_views(bounds: &Bounds) -> Vec<View> {
    bounds.tables.iter().map(|_| View::new()).collect()
}
