//! Who looks at the recording and what each may do: all may mark, one has control, some only look.
//!
//! Pure: front ends that come and go and what they ask in, refusals and moves of control out. Front ends that did not
//! subscribe are commands of the same user's shell and may do everything.

use crate::session::command::Action;
use crate::session::{ClientId, Role, Viewer};
use std::collections::BTreeMap;

/// All connected front ends.
#[derive(Debug, Default)]
pub(in crate::recorder) struct Viewers {
    names: BTreeMap<ClientId, String>,
    /// Those that subscribed, in the order they did.
    looking: Vec<Viewer>,
}

impl Viewers {
    pub(super) fn joined(&mut self, client: ClientId, name: String) {
        self.names.insert(client, name);
    }

    /// A front end is gone; a sentence where nobody has control any more.
    pub(super) fn left(&mut self, client: ClientId) -> Option<String> {
        self.names.remove(&client);
        let at = self.looking.iter().position(|viewer| viewer.client == client.0)?;
        let gone = self.looking.remove(at);
        (gone.role == Role::Control).then(|| format!("{} left: nobody has control", gone.name))
    }

    /// A front end looks from now on; a sentence where that gives it control.
    pub(super) fn subscribe(&mut self, client: ClientId, read_only: bool) -> Option<String> {
        let name = self.name(client);
        self.looking.retain(|viewer| viewer.client != client.0);
        let role = match self.controller() {
            _ if read_only => Role::ReadOnly,
            Some(_) => Role::Viewer,
            None => Role::Control,
        };
        let sentence = (role == Role::Control).then(|| format!("{name} has control"));
        self.looking.push(Viewer { client: client.0, name, role });
        sentence
    }

    /// Whether a front end may do this, and a sentence where control moves to it; or why it may not.
    pub(super) fn admit(&mut self, client: ClientId, action: &Action) -> Result<Option<String>, String> {
        let takes = matches!(action, Action::Take);
        let Some(at) = self.looking.iter().position(|viewer| viewer.client == client.0) else {
            let nothing = "only a dashboard can have control, and a command needs none".to_owned();
            return if takes { Err(nothing) } else { Ok(None) };
        };
        let role = self.looking[at].role;
        match action {
            Action::Status | Action::Subscribe { .. } => Ok(None),
            _ if role == Role::ReadOnly => {
                Err("this dashboard only looks; attach without --read-only".to_owned())
            }
            Action::Mark(_) | Action::RetractLast | Action::ClockOffset(_) | Action::Acknowledge => Ok(None),
            Action::Take | Action::Record | Action::Stop | Action::Filter(_) | Action::Calibrate(_)
                if role == Role::Control =>
            {
                Ok(None)
            }
            Action::Take | Action::Record | Action::Stop | Action::Filter(_) | Action::Calibrate(_) => {
                match self.controller() {
                    Some(other) if !takes => Err(format!("{} has control; :take moves it here", other.name)),
                    _ => Ok(Some(self.hand_to(at))),
                }
            }
        }
    }

    fn hand_to(&mut self, at: usize) -> String {
        let before = self.controller().map(|viewer| viewer.name.clone());
        for (place, viewer) in self.looking.iter_mut().enumerate() {
            match viewer.role {
                _ if place == at => viewer.role = Role::Control,
                Role::Control => viewer.role = Role::Viewer,
                Role::Viewer | Role::ReadOnly => {}
            }
        }
        let name = &self.looking[at].name;
        match before {
            Some(before) => format!("{name} took control from {before}"),
            None => format!("{name} has control"),
        }
    }

    fn controller(&self) -> Option<&Viewer> {
        self.looking.iter().find(|viewer| viewer.role == Role::Control)
    }

    /// What a front end calls itself.
    pub(super) fn name(&self, client: ClientId) -> String {
        self.names.get(&client).cloned().unwrap_or_default()
    }

    /// Those who look.
    pub(super) fn looking(&self) -> &[Viewer] {
        &self.looking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::command::FilterRequest;
    use proptest::prelude::*;

    const ONE: ClientId = ClientId(1);
    const TWO: ClientId = ClientId(2);
    const LOOKER: ClientId = ClientId(3);
    const SHELL: ClientId = ClientId(4);

    fn filter() -> Action {
        Action::Filter(FilterRequest { preset: "off".to_owned(), ..FilterRequest::default() })
    }

    /// Two dashboards, one that only looks, and a shell.
    fn room() -> Viewers {
        let mut viewers = Viewers::default();
        for (client, name) in [(ONE, "pts/1"), (TWO, "pts/2"), (LOOKER, "pts/3"), (SHELL, "pts/4")] {
            viewers.joined(client, name.to_owned());
        }
        assert_eq!(viewers.subscribe(LOOKER, true), None);
        assert_eq!(viewers.subscribe(ONE, false), Some("pts/1 has control".to_owned()));
        assert_eq!(viewers.subscribe(TWO, false), None);
        viewers
    }

    fn roles(viewers: &Viewers) -> Vec<(u64, Role)> {
        viewers.looking().iter().map(|viewer| (viewer.client, viewer.role)).collect()
    }

    #[test]
    fn one_dashboard_stops_and_filters_and_all_may_mark() {
        let mut viewers = room();
        for action in [Action::Record, Action::Stop, filter()] {
            assert_eq!(viewers.admit(ONE, &action), Ok(None));
            let refused = viewers.admit(TWO, &action).unwrap_err();
            assert_eq!(refused, "pts/1 has control; :take moves it here");
            assert!(viewers.admit(LOOKER, &action).is_err());
            assert_eq!(viewers.admit(SHELL, &action), Ok(None), "the shell is the same user");
        }
        for action in [Action::RetractLast, Action::Acknowledge] {
            assert_eq!((viewers.admit(TWO, &action), viewers.admit(SHELL, &action)), (Ok(None), Ok(None)));
            assert!(viewers.admit(LOOKER, &action).unwrap_err().contains("only looks"));
        }
        assert_eq!(viewers.admit(LOOKER, &Action::Status), Ok(None));
    }

    #[test]
    fn control_is_taken_and_given_to_whoever_asks_first_after_it_was_left() {
        let mut viewers = room();
        assert!(viewers.admit(LOOKER, &Action::Take).is_err());
        assert!(viewers.admit(SHELL, &Action::Take).is_err());
        let moved = viewers.admit(TWO, &Action::Take).unwrap();
        assert_eq!(moved, Some("pts/2 took control from pts/1".to_owned()));
        assert_eq!(viewers.admit(TWO, &Action::Take), Ok(None), "it has it already");
        assert_eq!(roles(&viewers), [(3, Role::ReadOnly), (1, Role::Viewer), (2, Role::Control)]);
        assert_eq!(viewers.left(TWO), Some("pts/2 left: nobody has control".to_owned()));
        assert_eq!(roles(&viewers), [(3, Role::ReadOnly), (1, Role::Viewer)]);
        assert!(viewers.admit(LOOKER, &Action::Stop).is_err());
        assert_eq!(viewers.admit(ONE, &Action::Stop), Ok(Some("pts/1 has control".to_owned())));
        assert_eq!(viewers.left(LOOKER), None);
        assert_eq!(viewers.left(SHELL), None);
    }

    #[test]
    fn who_subscribes_again_only_to_look_gives_control_up() {
        let mut viewers = room();
        viewers.subscribe(ONE, true);
        assert_eq!(roles(&viewers), [(3, Role::ReadOnly), (2, Role::Viewer), (1, Role::ReadOnly)]);
        assert_eq!(viewers.admit(TWO, &Action::Record), Ok(Some("pts/2 has control".to_owned())));
    }

    proptest! {
        /// Whatever they do, at most one has control, and nobody who only looks.
        #[test]
        fn control_is_with_one_at_most(steps in prop::collection::vec((0..5_u64, 0..6_u8), 0..60)) {
            let mut viewers = Viewers::default();
            for (client, what) in steps {
                let client = ClientId(client);
                let _ = match what {
                    0 => { viewers.joined(client, format!("c{}", client.0)); None }
                    1 => viewers.left(client),
                    2 => viewers.subscribe(client, false),
                    3 => viewers.subscribe(client, true),
                    4 => viewers.admit(client, &Action::Take).unwrap_or_default(),
                    _ => viewers.admit(client, &Action::Stop).unwrap_or_default(),
                };
                let mut seen: Vec<u64> = viewers.looking().iter().map(|viewer| viewer.client).collect();
                seen.sort_unstable();
                prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
                let control = roles(&viewers).iter().filter(|(_, role)| *role == Role::Control).count();
                prop_assert!(control <= 1);
                if what == 2 {
                    prop_assert_eq!(control, 1, "a dashboard came: somebody has control");
                }
            }
        }
    }
}
