use std::collections::{BTreeSet, HashSet};

use crate::{HELLO, MARK_PREFIX, Pattern, Subscription};

/// A set of topics as a non-deterministic automaton over bytes. It reads a topic with a dot after its end, so that each word ends
/// with one.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    states: Vec<State>,
    /// The states before the first byte.
    starts: Vec<StateId>,
}

type StateId = usize;

#[derive(Debug, Default)]
struct State {
    edges: Vec<(Reads, StateId)>,
    /// States that are reached without a byte.
    skips: Vec<StateId>,
    accepts: bool,
    /// Reads no `$` as the first byte of a topic.
    no_dollar: bool,
}

/// The bytes that an edge reads.
#[derive(Debug, Clone, Copy)]
enum Reads {
    Byte(u8),
    AllButDot,
    All,
}

impl Reads {
    fn reads(self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => own == byte,
            Self::AllButDot => byte != b'.',
            Self::All => true,
        }
    }
}

/// Whether the wildcards of a pattern match a `$` at the start.
#[derive(Debug, Clone, Copy)]
enum Dollar {
    /// As the pattern is defined.
    AsDefined,
    /// In the name of a mark.
    Matches,
}

/// The most states that a comparison visits, each counted as often as it is visited: it takes about a millisecond.
const MAX_VISITS: usize = 50_000;

impl Automaton {
    /// The topics that a pattern matches.
    pub(super) fn of_pattern(pattern: &Pattern) -> Self {
        let mut automaton = Self::default();
        let start = automaton.add_pattern(pattern, Dollar::AsDefined);
        automaton.starts.push(start);
        automaton
    }

    /// The topics that begin with a prefix; all that are not reserved if it is empty.
    pub(super) fn of_prefix(prefix: &[u8]) -> Self {
        let mut automaton = Self::default();
        let rest = automaton.add_rest();
        if let Some(state) = automaton.states.get_mut(rest) {
            state.no_dollar = prefix.is_empty();
        }
        let start = automaton.add_bytes(prefix, rest);
        automaton.starts.push(start);
        automaton
    }

    /// The topics that one of these matches, their marks, and `$hello`.
    pub(super) fn of_rights(members: &[Subscription]) -> Self {
        let mut automaton = Self::default();
        let mut of_marks = Vec::new();
        for member in members {
            let start = automaton.add_member(member, Dollar::AsDefined);
            automaton.starts.push(start);
            of_marks.push(automaton.add_member(member, Dollar::Matches));
        }
        let end = automaton.add_end();
        let hello = automaton.add_bytes(&[HELLO.as_bytes(), b"."].concat(), end);
        // `$mark` and `$mark.` are no marks, and allowed.
        let after_prefix = automaton.add(State {
            edges: vec![(Reads::Byte(b'.'), end)],
            skips: of_marks,
            accepts: true,
            no_dollar: false,
        });
        let marks = automaton.add_bytes(MARK_PREFIX, after_prefix);
        automaton.starts.extend([hello, marks]);
        automaton
    }

    fn add(&mut self, state: State) -> StateId {
        self.states.push(state);
        self.states.len() - 1
    }

    /// The end of a topic.
    fn add_end(&mut self) -> StateId {
        self.add(State { accepts: true, ..State::default() })
    }

    /// Any bytes up to the end of a topic.
    fn add_rest(&mut self) -> StateId {
        let end = self.add_end();
        let rest = self.add(State::default());
        if let Some(state) = self.states.get_mut(rest) {
            state.edges = vec![(Reads::All, rest), (Reads::Byte(b'.'), end)];
        }
        rest
    }

    /// These bytes, and then what `next` reads.
    fn add_bytes(&mut self, bytes: &[u8], next: StateId) -> StateId {
        bytes.iter().rev().fold(next, |next, byte| {
            self.add(State { edges: vec![(Reads::Byte(*byte), next)], ..State::default() })
        })
    }

    fn add_member(&mut self, member: &Subscription, dollar: Dollar) -> StateId {
        match member {
            Subscription::Pattern(pattern) => self.add_pattern(pattern, dollar),
            Subscription::Topic(topic) => {
                let end = self.add_end();
                self.add_bytes(&[topic.as_bytes(), b"."].concat(), end)
            }
        }
    }

    fn add_pattern(&mut self, pattern: &Pattern, dollar: Dollar) -> StateId {
        let first = self.states.len();
        let start = match pattern.prefix() {
            Some(prefix) => {
                let rest = self.add_rest();
                self.add_bytes(prefix.as_bytes(), rest)
            }
            None => {
                let end = self.add_end();
                pattern.as_str().rsplit('.').fold(end, |next, word| self.add_word(word, next))
            }
        };
        if let Dollar::AsDefined = dollar
            && !pattern.as_str().starts_with('$')
        {
            self.states.iter_mut().skip(first).for_each(|state| state.no_dollar = true);
        }
        start
    }

    fn add_word(&mut self, word: &str, next: StateId) -> StateId {
        match word {
            "*" => {
                let id = self.states.len();
                let edges = vec![(Reads::AllButDot, id), (Reads::Byte(b'.'), next)];
                self.add(State { edges, ..State::default() })
            }
            "#" => {
                let (between, within) = (self.states.len(), self.states.len() + 1);
                let edges = vec![(Reads::AllButDot, within), (Reads::Byte(b'.'), between)];
                self.add(State { edges: edges.clone(), skips: vec![next], ..State::default() });
                self.add(State { edges, ..State::default() });
                between
            }
            word => self.add_bytes(&[word.as_bytes(), b"."].concat(), next),
        }
    }

    /// Whether each topic of `other` is one of these. It is never wrongly `true`; it is wrongly `false` above [`MAX_VISITS`].
    ///
    /// It searches for a topic that `other` accepts and this does not: through all pairs of a state of `other` and the set of states
    /// of this that the same bytes lead to.
    pub(super) fn includes(&self, other: &Self) -> bool {
        let alphabet = self.alphabet(other);
        let own = self.closure(self.starts.iter().copied());
        let mut pairs: Vec<(StateId, Vec<StateId>)> = other
            .closure(other.starts.iter().copied())
            .into_iter()
            .map(|theirs| (theirs, own.clone()))
            .collect();
        let mut known: HashSet<(StateId, Vec<StateId>)> = HashSet::new();
        let (mut visits, mut is_first) = (0_usize, true);
        while !pairs.is_empty() {
            for (theirs, own) in std::mem::take(&mut pairs) {
                for &byte in &alphabet {
                    let next = other.after(&[theirs], byte, is_first);
                    if next.is_empty() {
                        continue;
                    }
                    let own = self.after(&own, byte, is_first);
                    visits += next.len() + own.len();
                    // After one byte, the dot, it is the empty name, which no topic has.
                    let is_topic = !is_first && other.accept(&next);
                    // Every state leads to the end of a topic: with other bytes, if it is not one itself.
                    let goes_on = own.is_empty() && next.iter().any(|id| !other.accept(&[*id]));
                    if visits > MAX_VISITS || goes_on || (is_topic && !self.accept(&own)) {
                        return false;
                    }
                    let new = next.into_iter().map(|theirs| (theirs, own.clone()));
                    pairs.extend(new.filter(|pair| known.insert(pair.clone())));
                }
            }
            is_first = false;
        }
        true
    }

    /// The bytes that edges of either name, a dot, a dollar, and one that stands for all others.
    fn alphabet(&self, other: &Self) -> BTreeSet<u8> {
        let edges = self.states.iter().chain(&other.states).flat_map(|state| &state.edges);
        let mut bytes: BTreeSet<u8> = edges
            .filter_map(|(reads, _)| match reads {
                Reads::Byte(byte) => Some(*byte),
                Reads::AllButDot | Reads::All => None,
            })
            .chain([b'.', b'$'])
            .collect();
        // No topic has a NUL.
        let another = (1..=u8::MAX).find(|byte| !bytes.contains(byte));
        bytes.extend(another);
        bytes
    }

    /// The states after one more byte, in ascending order.
    fn after(&self, states: &[StateId], byte: u8, is_first: bool) -> Vec<StateId> {
        let is_dollar = is_first && byte == b'$';
        let from = states.iter().filter_map(|id| self.states.get(*id));
        let from = from.filter(|state| !(is_dollar && state.no_dollar));
        let edges = from.flat_map(|state| state.edges.iter());
        self.closure(edges.filter(|(reads, _)| reads.reads(byte)).map(|(_, next)| *next))
    }

    /// These states, and those that are reached from them without a byte.
    fn closure(&self, states: impl Iterator<Item = StateId>) -> Vec<StateId> {
        let mut found = BTreeSet::new();
        let mut new: Vec<StateId> = states.collect();
        while let Some(id) = new.pop() {
            if found.insert(id) {
                new.extend(self.states.get(id).iter().flat_map(|state| &state.skips));
            }
        }
        found.into_iter().collect()
    }

    fn accept(&self, states: &[StateId]) -> bool {
        states.iter().any(|id| self.states.get(*id).is_some_and(|state| state.accepts))
    }
}
