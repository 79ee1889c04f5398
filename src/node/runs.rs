//! Batches on a node: making them ready, letting them begin, following them to their end.

use super::batch::{Batch, Bundle};
use super::link::{Link, Received};
use super::privilege::{Data, Program};
use super::run_id::{self, RunId};
use super::session::Session;
use super::spool::{GuardState, Outcome, SpoolEvent};
use super::{Failure, Holder, NodeError, classify};
use crate::kind::validator;
use crate::shell::{ENV, PROCESS, Shell};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, timeout};

/// Follows the spool of a batch.
const FOLLOW: Shell = Shell::new(include_str!("follow.sh")).needing(&[ENV, PROCESS]);
/// Receives a batch and starts it: `/bin/sh -c THIS nw SENTINEL RUN STAGE SHA256 LENGTH`. Standard input: the batch's
/// text (LENGTH bytes) and its contents. The batch starts only when all of it has arrived. Then its spool is followed.
pub(super) const RECEIVE: Shell = Shell::new(include_str!("receive.sh")).needing(&[FOLLOW]);
/// Queries and commands about batches: `/bin/sh -c THIS nw SENTINEL VERB ARGUMENTS`. Answers start with the sentinel.
pub(super) const CONTROL: Shell = Shell::new(include_str!("control.sh")).needing(&[FOLLOW]);

/// The time that all validators of a batch may take together.
const PREFLIGHT: Duration = Duration::from_mins(5);

/// The number of times that the connection may be lost while a batch is sent.
pub(super) const LOSSES: u32 = 5;

/// The time for which a node may stay out of reach while its batch is followed.
const OUT_OF_REACH: Duration = Duration::from_mins(10);

/// A batch on a node: ready to begin, or one that was found there.
pub struct Prepared {
    run: RunId,
    stage: u32,
    offset: u64,
    link: Option<Link>,
    /// The answers of its validators, by their numbers.
    answers: BTreeMap<usize, Vec<String>>,
}

impl Prepared {
    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The stage of the run.
    pub fn stage(&self) -> u32 {
        self.stage
    }

    fn args(&self) -> [String; 2] {
        [self.run.to_string(), self.stage.to_string()]
    }
}

impl Session {
    /// Sends a batch to the node, whole, and has it validated: one channel, which [`follow`](Self::follow) then reads.
    ///
    /// When this comes back the node is locked for the batch and it waits for [`release`](Self::release), a minute at
    /// most. Events until then go to `events`. Fails, with nothing changed, when anything did not arrive, when another
    /// run holds the node, or when a validator refuses.
    pub async fn prepare(
        &self,
        batch: &Batch,
        events: &UnboundedSender<SpoolEvent>,
    ) -> Result<Prepared, NodeError> {
        let bundle = batch.bundle();
        let mut prepared = Prepared {
            run: batch.run.clone(),
            stage: batch.stage,
            offset: 0,
            link: None,
            answers: BTreeMap::new(),
        };
        let waiting = self.bring(batch, &bundle, &mut prepared, events);
        match timeout(self.timeout() + PREFLIGHT, waiting).await {
            Ok(result) => result.map(|()| prepared),
            Err(_) => Err(self.error(Failure::Late(PREFLIGHT.as_secs()))),
        }
    }

    /// Sends a batch and waits until it is ready. When the connection is lost in between, a batch that arrived whole
    /// goes on there and is followed; one that did not is lost, and is sent again.
    async fn bring(
        &self,
        batch: &Batch,
        bundle: &Bundle,
        prepared: &mut Prepared,
        events: &UnboundedSender<SpoolEvent>,
    ) -> Result<(), NodeError> {
        let mut link = self.send(batch, bundle).await;
        let mut lost = 0;
        loop {
            let error = match link {
                Ok(link) => match self.until_ready(batch, prepared, link, events).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            // A receiver that has not noticed yet still has the folder.
            let held =
                matches!(&error.failure, Failure::NotReady(why) if why.starts_with("exists "));
            if lost == LOSSES || !(error.failure == Failure::Lost || (held && lost > 0)) {
                return Err(error);
            }
            lost += 1;
            let _ = events.send(SpoolEvent::Lost(error.failure.to_string()));
            tokio::time::sleep(Duration::from_millis(250)).await;
            link = match self.watch(prepared).await {
                Err(error) if matches!(error.failure, Failure::NoSuchRun(_)) => {
                    self.send(batch, bundle).await
                }
                found => found,
            };
            if link.is_ok() {
                let _ = events.send(SpoolEvent::Following);
            }
        }
    }

    /// Sends a batch; its answer is still to be read.
    async fn send(&self, batch: &Batch, bundle: &Bundle) -> Result<Link, NodeError> {
        let sentinel = self.sentinel()?;
        let program = Program::Constant {
            text: &RECEIVE.text(),
            args: vec![
                sentinel.clone(),
                batch.run.to_string(),
                batch.stage.to_string(),
                bundle.sha256.clone(),
                bundle.script.to_string(),
            ],
            data: Data::Bytes(&bundle.bytes),
        };
        let mut channel = self.open(&program).await?;
        let sent = channel.write(self.timeout()).await;
        sent.map_err(|failure| self.error(failure))?;
        let mut link = Link::new(channel, sentinel);
        self.expect_spool(&mut link).await?;
        Ok(link)
    }

    async fn until_ready(
        &self,
        batch: &Batch,
        prepared: &mut Prepared,
        mut link: Link,
        events: &UnboundedSender<SpoolEvent>,
    ) -> Result<(), NodeError> {
        let mut last = String::new();
        loop {
            let (text, bytes) = match link.next().await {
                Received::Line(text, bytes) => (text, bytes),
                Received::End => {
                    return Err(self.error(Failure::NotReady("its batch vanished".into())));
                }
                Received::Cut => return Err(self.error(Failure::Lost)),
                Received::TooMuch(limit) => return Err(self.error(Failure::TooMuch(limit))),
            };
            prepared.offset += bytes;
            let event = SpoolEvent::parse(&text);
            if let SpoolEvent::Answered(number, line) = event {
                prepared.answers.entry(number).or_default().push(line);
                continue;
            }
            let _ = events.send(event.clone());
            match event {
                SpoolEvent::Ready => {
                    prepared.link = Some(link);
                    return self.judged(batch, prepared, events).await;
                }
                SpoolEvent::Check(_, title) => last = title,
                SpoolEvent::Done(outcome) => {
                    return Err(self.error(match outcome {
                        Outcome::Locked(holder) => Failure::Locked(Box::new(holder)),
                        Outcome::Broken(why) => Failure::NotReady(why),
                        Outcome::GaveUp => Failure::GaveUp,
                        Outcome::Refused { .. } => {
                            Failure::NotReady(format!("{last} did not pass"))
                        }
                        _ => Failure::NotReady(last),
                    }));
                }
                _ => {}
            }
        }
    }

    /// Judges the validators' answers; a batch that must not begin is abandoned.
    async fn judged(
        &self,
        batch: &Batch,
        prepared: &Prepared,
        events: &UnboundedSender<SpoolEvent>,
    ) -> Result<(), NodeError> {
        for (number, step) in batch.preflight.iter().enumerate() {
            let answer = prepared.answers.get(&number).map_or(&[][..], Vec::as_slice);
            let problems = validator::judge(&step.calls, answer);
            if problems.is_empty() {
                continue;
            }
            self.abandon(prepared).await?;
            for line in problems {
                let _ = events.send(SpoolEvent::Output(number, line));
            }
            let why = format!("{} did not pass", step.title);
            return Err(self.error(Failure::NotReady(why)));
        }
        Ok(())
    }

    /// Reads the first line of an answer that brings a spool.
    async fn expect_spool(&self, link: &mut Link) -> Result<(), NodeError> {
        let first = match timeout(self.timeout(), link.next()).await {
            Ok(Received::Line(text, _)) => text,
            Ok(Received::TooMuch(limit)) => return Err(self.error(Failure::TooMuch(limit))),
            Ok(Received::End | Received::Cut) => String::new(),
            Err(_) => return Err(self.error(Failure::Late(self.timeout().as_secs()))),
        };
        let Some(word) = first.strip_prefix(&link.sentinel).map(str::trim) else {
            return Err(self.unexpected(link, &first).await);
        };
        match word.split_once(' ').unwrap_or((word, "")) {
            ("spool", _) => Ok(()),
            ("none", _) => Err(self.error(Failure::NoSuchRun("of that name".into()))),
            ("refused", "cut") => Err(self.error(Failure::Truncated("on its way there".into()))),
            ("refused", why) => {
                let why = why.to_owned();
                Err(match self.unexpected(link, &first).await {
                    error if matches!(error.failure, Failure::NoisyProfile(_)) => {
                        self.error(Failure::NotReady(why))
                    }
                    mut error => {
                        error.failure.name_place(&why);
                        error
                    }
                })
            }
            _ => Err(self.unexpected(link, &first).await),
        }
    }

    /// The failure in a node's output where an answer belongs.
    async fn unexpected(&self, link: &mut Link, first: &str) -> NodeError {
        let rest = async { while let Received::Line(..) = link.next().await {} };
        let _ = timeout(Duration::from_secs(2), rest).await;
        let output = format!("{first}\n{}", String::from_utf8_lossy(&link.stderr));
        let failure = classify::remote(&output, None).unwrap_or_else(|| {
            if first.is_empty() {
                Failure::Lost
            } else {
                Failure::NoisyProfile(first.to_owned())
            }
        });
        NodeError {
            node: self.node().to_owned(),
            failure,
            output,
        }
    }

    /// Lets a batch that is ready begin. Fails with [`Failure::GaveUp`] when it had given up before.
    ///
    /// When the connection is lost in this very moment, only [`follow`](Self::follow) shows whether it began.
    pub async fn release(&self, prepared: &Prepared) -> Result<(), NodeError> {
        match self.control("release", &prepared.args()).await?.as_str() {
            "ok" => Ok(()),
            _ => Err(self.error(Failure::GaveUp)),
        }
    }

    /// Abandons a batch that is ready; it has changed nothing. One that had begun goes on.
    pub async fn abandon(&self, prepared: &Prepared) -> Result<(), NodeError> {
        let asked = self.control("abandon", &prepared.args()).await;
        asked.map(|_| ())
    }

    /// Asks a run to end before its next step; a running step is not killed. Gives whether the node knows the run.
    pub async fn stop(&self, run: &RunId) -> Result<bool, NodeError> {
        Ok(self.control("stop", &[run.to_string()]).await? == "ok")
    }

    /// Takes [`stop`](Self::stop) back, for a run that has not come to its next step yet.
    pub async fn go_on(&self, run: &RunId) -> Result<(), NodeError> {
        self.control("go_on", &[run.to_string()]).await.map(|_| ())
    }

    /// The state of the guard of a batch.
    pub async fn guard(&self, run: &RunId, stage: u32) -> Result<GuardState, NodeError> {
        let args = [run.to_string(), stage.to_string()];
        Ok(GuardState::parse(&self.control("guard", &args).await?))
    }

    /// Confirms a window of the guard, so that its changes stay. Gives whether they do: they may have been rolled back
    /// already.
    pub async fn confirm(&self, run: &RunId, stage: u32) -> Result<bool, NodeError> {
        let args = [run.to_string(), stage.to_string()];
        Ok(self.control("confirm", &args).await? == "ok")
    }

    /// Finds a run on the node, the last one if none is named, to [`follow`](Self::follow) it from its start, whether
    /// it still runs or not. Of a run with several stages it is the newest.
    pub async fn attach(&self, run: Option<&RunId>) -> Result<Prepared, NodeError> {
        let name = run.map(ToString::to_string).unwrap_or_default();
        let answer = self.control("find", std::slice::from_ref(&name)).await?;
        let (run, spools) = answer.split_once(' ').unwrap_or_default();
        let stages = spools.split(' ').filter_map(|s| s.strip_suffix("/spool"));
        let newest: Option<u32> = stages.filter_map(|s| s.parse().ok()).max();
        let found = RunId::parse(run).zip(newest);
        let none = || match name.as_str() {
            "" => Failure::NoRun,
            name => Failure::NoSuchRun(name.to_owned()),
        };
        let (run, stage) = found.ok_or_else(|| self.error(none()))?;
        Ok(Prepared {
            run,
            stage,
            offset: 0,
            link: None,
            answers: BTreeMap::new(),
        })
    }

    /// Takes the lock away from this holder. Fails when it is another's by now.
    pub async fn unlock(&self, holder: &Holder) -> Result<(), NodeError> {
        let answer = self
            .control("unlock", std::slice::from_ref(&holder.text))
            .await?;
        match answer.split_once(' ').unwrap_or((answer.as_str(), "")) {
            ("ok" | "free", _) => Ok(()),
            ("other", text) => Err(self.error(Failure::Locked(Box::new(Holder::parse(text))))),
            _ => Err(self.error(Failure::Other("the lock is being taken right now".into()))),
        }
    }

    /// Follows a batch to its end. Every event goes to `events` (a receiver is not needed), each once.
    ///
    /// When the connection drops it is made again and the spool followed on from the same byte; the batch does not
    /// notice. Fails when the node stays out of reach for ten minutes; `prepared` can then be followed again.
    pub async fn follow(
        &self,
        prepared: &mut Prepared,
        events: &UnboundedSender<SpoolEvent>,
    ) -> Result<Outcome, NodeError> {
        let mut lost: Option<Instant> = None;
        let mut pause = Duration::from_millis(250);
        loop {
            let link = match prepared.link.take() {
                Some(link) => Ok(link),
                None => self.watch(prepared).await,
            };
            let error = match link {
                Ok(mut link) => {
                    if lost.take().is_some() {
                        let _ = events.send(SpoolEvent::Following);
                        pause = Duration::from_millis(250);
                    }
                    match listen(prepared, &mut link, events).await {
                        Ok(outcome) => return Ok(outcome),
                        Err(Failure::Lost) => self.error(Failure::Lost),
                        Err(failure) => return Err(self.error(failure)),
                    }
                }
                Err(error) if error.is_unreachable() => {
                    if lost.is_some() {
                        let _ = events.send(SpoolEvent::Away(error.failure.to_string()));
                    }
                    error
                }
                Err(error) => return Err(error),
            };
            let since = *lost.get_or_insert_with(|| {
                let _ = events.send(SpoolEvent::Lost(error.failure.to_string()));
                Instant::now()
            });
            if since.elapsed() > OUT_OF_REACH {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }

    /// Opens a channel on which the spool comes in from where it was left.
    async fn watch(&self, prepared: &Prepared) -> Result<Link, NodeError> {
        let sentinel = self.sentinel()?;
        let mut args = vec![sentinel.clone(), "watch".to_owned()];
        args.extend(prepared.args());
        args.push(prepared.offset.to_string());
        let mut channel = self
            .open(&Program::Constant {
                text: &CONTROL.text(),
                args,
                data: Data::Bytes(&[]),
            })
            .await?;
        let sent = channel.write(self.timeout()).await;
        sent.map_err(|failure| self.error(failure))?;
        let mut link = Link::new(channel, sentinel);
        self.expect_spool(&mut link).await?;
        Ok(link)
    }

    /// Sends one verb about batches; gives the text after the sentinel. Each may be sent twice: when the connection is
    /// lost before the answer, it is sent again over a new one.
    pub(super) async fn control(&self, verb: &str, args: &[String]) -> Result<String, NodeError> {
        match self.control_once(verb, args).await {
            Err(error) if error.failure == Failure::Lost => self.control_once(verb, args).await,
            answered => answered,
        }
    }

    async fn control_once(&self, verb: &str, args: &[String]) -> Result<String, NodeError> {
        let sentinel = self.sentinel()?;
        let mut all = vec![sentinel.clone(), verb.to_owned()];
        all.extend_from_slice(args);
        let reply = self
            .run(&Program::Constant {
                text: &CONTROL.text(),
                args: all,
                data: Data::Bytes(&[]),
            })
            .await?;
        let text = String::from_utf8_lossy(&reply.stdout);
        if let Some(rest) = text.strip_prefix(&format!("{sentinel} "))
            && let Some(line) = rest.strip_suffix('\n')
        {
            return Ok(line.to_owned());
        }
        let output = format!("{text}{}", String::from_utf8_lossy(&reply.stderr));
        Err(NodeError {
            node: self.node().to_owned(),
            failure: classify::remote(&output, reply.status)
                .unwrap_or_else(|| Failure::Truncated(classify::last_line(&output))),
            output,
        })
    }

    pub(super) fn sentinel(&self) -> Result<String, NodeError> {
        run_id::random_hex(16)
            .map_err(|e| self.error(Failure::Here(format!("no random bytes: {e}"))))
    }
}

/// Passes on what comes in until the batch's end; [`Failure::Lost`] when the connection was lost before.
async fn listen(
    prepared: &mut Prepared,
    link: &mut Link,
    events: &UnboundedSender<SpoolEvent>,
) -> Result<Outcome, Failure> {
    loop {
        match link.next().await {
            Received::Line(text, bytes) => {
                prepared.offset += bytes;
                let event = SpoolEvent::parse(&text);
                let _ = events.send(event.clone());
                if let SpoolEvent::Done(outcome) = event {
                    return Ok(outcome);
                }
            }
            Received::End => {
                let _ = events.send(SpoolEvent::Done(Outcome::Died));
                return Ok(Outcome::Died);
            }
            Received::Cut => return Err(Failure::Lost),
            Received::TooMuch(limit) => return Err(Failure::TooMuch(limit)),
        }
    }
}
