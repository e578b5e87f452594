//! A run on a chain that has started: contracts, providers and a task, watched until it ends, and judged.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use bauta_client::model_provider;
use bauta_learning::recipes::Recipe;

use super::args::Args;
use super::judge::{Judgement, Outcome};
use super::ledger::Ledger;
use super::retrained::{Pupil, Retrained};
use super::scenario::Scenario;
use super::screen::{self, Screen};
use super::shadow::Shadow;
use super::watch::{name_of, Watch, Watched};
use super::world::{self, World};
use super::{people, terms};

/// What is run.
pub struct Run<'a> {
    /// What was typed.
    pub args: &'a Args,
    /// The model and its data.
    pub recipe: &'a Recipe,
    /// Who does what when.
    pub scenario: &'a Scenario,
    /// The authority, the model provider, and the providers.
    pub names: &'a [String],
    /// A folder for the providers' folders.
    pub folder: &'a Path,
}

impl Run<'_> {
    /// Trains and judges.
    ///
    /// # Errors
    /// When the chain refuses a step or does not answer, or a provider fails.
    pub async fn on(
        &self,
        world: &World,
        screen: &Screen,
        now: &dyn Fn() -> Duration,
    ) -> anyhow::Result<(Outcome, Watched)> {
        let Self { args, recipe, scenario, names, folder } = *self;
        screen.doing("the contracts are stored and instantiated");
        let authority = world.person(&names[0])?;
        let contracts = world::deploy(&authority).await?;
        screen.say(format!(
            "contracts\n  registry {}\n  staking  {}\n  slashing {}",
            contracts.registry, contracts.staking, contracts.slashing
        ));
        // From here on the authority has nothing to do: its place at the barrier goes with it.
        drop(authority);

        let division = recipe.divide(args.seed, args.providers as usize)?;
        let encoding = recipe.encoding(u64::from(args.providers))?;
        let first = recipe.initial_model(args.seed)?;
        let mut shadow = Shadow::new(recipe, encoding, first.clone(), &division.held_out);
        let pupil = |(index, rows): (usize, &bauta_learning::data::Dataset)| Pupil {
            weight: recipe.weight(rows.rows()),
            rows: recipe.data_spec().standardised(rows),
            secret: people::secret(world, &name_of(index)),
        };
        let retrained = Retrained::start(
            Shadow::new(recipe, encoding, first.clone(), &division.held_out),
            division.providers.iter().enumerate().map(pupil).collect(),
        )?;
        let ledger = Ledger::default();

        screen.doing("the providers register and bond");
        let crew = people::hire(world, scenario, &names[2..], &division.providers).await?;
        screen.say(format!(
            "providers   {} registered, each bonded {} {}",
            crew.len(),
            screen::thousands(people::BOND),
            bauta_client::chain::DEFAULT_DENOM
        ));

        screen.doing("the task is created");
        let owner = world.person(&names[1])?;
        let file = terms::task_file(args, recipe, scenario);
        let (settings, initial) = (file.settings()?, file.initial_model()?);
        let task = model_provider::create(&owner.chain, &owner.signer, settings, initial, terms::BUDGET).await?;
        screen.say(format!("task        {task} by {}", owner.signer.address()));
        let left_out = scenario.left_out();
        if !left_out.is_empty() {
            screen.say(screen::labelled("left out", &format!("{}: the run is too small for it", left_out.join(", "))));
        }
        let addresses: Vec<String> = crew.iter().map(|member| member.signer.address().to_owned()).collect();
        let mut bonds = Vec::new();
        for address in &addresses {
            bonds.push(contracts.bond_of(&owner.chain, address).await?.bonded.u128());
        }

        let chain = world.connection()?;
        drop(owner);
        let job = people::Job { contracts: &contracts, recipe, task, ledger: &ledger, seed: args.seed, folder };
        let working = people::work(world, crew, &job)?;
        screen.heading();
        let watched = Watch {
            chain: &chain,
            task,
            scenario,
            addresses: &addresses,
            ledger: &ledger,
            shadow: &mut shadow,
            retrained: &retrained,
            screen,
            now,
        }
        .until_the_end();
        let watched = tokio::select! {
            watched = watched => watched?,
            failed = working.failed() => bail!("{failed}"),
        };
        screen.doing("the evidence window passes");
        working.finished(&chain).await?;

        screen.doing("the result is judged");
        let retrained = retrained.finish().await?;
        let judgement = Judgement {
            chain: &chain,
            contracts: &contracts,
            scenario,
            recipe,
            division: &division,
            first: &first,
            addresses: &addresses,
            bonds: &bonds,
            seed: args.seed,
            watched: &watched,
            shadow: &shadow,
            retrained: &retrained,
            dataset: args.dataset,
        };
        let mut outcome = judgement.pass().await?;
        drop(chain);
        screen.doing("the blocks are replayed on a node in this process");
        outcome.replayed(world.replayed().await);
        Ok((outcome, watched))
    }
}
