//! The file with every line explained.

use std::fmt::{self, Write as _};

use bauta_rounds::tails;

use super::{Combination, Encoding, Initial, Level, Optimiser, TaskFile};

impl TaskFile {
    /// The file as text that reads back to the same file.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        self.write_head(out)?;
        self.write_model(out)?;
        self.write_data(out)?;
        self.write_learning(out)?;
        self.write_combination(out)?;
        self.write_scoring(out)?;
        self.write_cohort(out)
    }

    fn write_head(&self, out: &mut String) -> fmt::Result {
        let level = match self.level {
            Level::Open => "open",
            Level::Cohort => "cohort",
            Level::Sealed => "sealed",
        };
        write!(
            out,
            "# A task: what is trained, on what data, by whom, and what is paid for it.\n\
             #   bauta task estimate THIS_FILE               what it costs, and whether the chain would take it\n\
             #   bauta task create THIS_FILE --budget ...\n\
             # Once a task is created, nothing of this can be changed. Amounts are in the smallest unit of the fee denomination.\n\n\
             # What people read.\n\
             name = {}\n\
             description = {}\n\
             uri = {}\n\n\
             # Who may see the model: open is everybody, and so far the only choice.\n\
             level = \"{level}\"\n\n\
             # Rounds to finish; rounds that are aborted do not count.\n\
             rounds = {}\n\
             # Epochs in a row that may end without a finished round before the task ends and the rest of the budget comes back.\n\
             max_idle_epochs = {}\n",
            string(&self.name),
            string(&self.description),
            string(&self.uri),
            self.rounds,
            self.max_idle_epochs
        )
    }

    fn write_model(&self, out: &mut String) -> fmt::Result {
        write!(
            out,
            "\n[model]\n\
             # softmax: multinomial logistic regression. mlp: one hidden layer with ReLU, and then hidden = its units.\n\
             # custom: any tensors, like tensors = [{{ name = \"w\", shape = [10, 64] }}]; providers bring their own trainer.\n\
             kind = \"{}\"\n",
            self.model.kind.name()
        )?;
        if let Some(hidden) = self.model.hidden {
            writeln!(out, "hidden = {hidden}")?;
        }
        if let Some(tensors) = &self.model.tensors {
            let tensors = tensors.iter().map(|t| format!("{{ name = {}, shape = {:?} }}", string(&t.name), t.shape));
            writeln!(out, "tensors = [\n    {}\n]", tensors.collect::<Vec<_>>().join(",\n    "))?;
        }
        let Some(initial) = &self.initial else {
            out.push_str(
                "\n# The first values are not on the chain any more. Choose new ones: take the # away from these lines, and write a seed of\n\
                 # your own (64 hexadecimal digits; `bauta task init --seed N` makes one), or name a safetensors file.\n\
                 # [initial]\n\
                 # kind = \"uniform\"\n\
                 # seed = \"0000...\"\n",
            );
            return Ok(());
        };
        out.push_str(
            "\n[initial]\n\
             # The first values. zero: right for softmax. uniform: from seed, within bounds (one number a tensor; mlp may leave them\n\
             # out). file: a safetensors file beside this one, for small models.\n",
        );
        match initial {
            Initial::Zero {} => writeln!(out, "kind = \"zero\""),
            Initial::Uniform { seed, bounds } => {
                writeln!(out, "kind = \"uniform\"\nseed = {}", string(seed))?;
                if let Some(bounds) = bounds {
                    let bounds: Vec<String> = bounds.iter().map(|bound| bound.toml()).collect();
                    writeln!(out, "bounds = [{}]", bounds.join(", "))?;
                }
                Ok(())
            }
            Initial::File { file } => {
                writeln!(out, "kind = \"file\"\nfile = {}", string(&file.display().to_string()))
            }
        }
    }

    fn write_data(&self, out: &mut String) -> fmt::Result {
        write!(
            out,
            "\n[data]\n\
             # What a provider's file must hold: so many features a row, and a label that is 0 to classes - 1.\n\
             features = {}\n\
             classes = {}\n",
            self.data.features, self.data.classes
        )?;
        out.push_str(
            "# With names, columns of a csv file are found whatever their order; without, their order counts.\n",
        );
        if !self.data.feature_names.is_empty() {
            writeln!(out, "feature_names = {}", list(&self.data.feature_names))?;
        }
        if !self.data.class_names.is_empty() {
            writeln!(out, "class_names = {}", list(&self.data.class_names))?;
        }
        out.push_str(
            "# Public constants that bring features to a size of about 1: x becomes (x - offset) * factor. None, one for all\n\
             # features, or one each. Take them from what is known of the field, never from anybody's data.\n",
        );
        if !self.data.scaling.is_empty() {
            let each = self.data.scaling.iter();
            let each = each.map(|s| format!("    {{ offset = {}, factor = {} }},\n", s.offset.toml(), s.factor.toml()));
            writeln!(out, "scaling = [\n{}]", each.collect::<String>())?;
        }
        Ok(())
    }

    fn write_learning(&self, out: &mut String) -> fmt::Result {
        if let Some(trainer) = &self.trainer {
            write!(
                out,
                "\n[trainer]\n\
                 # What the built-in trainers do in a round: passes over the rows, rows a step, step size, L2 penalty.\n\
                 local_epochs = {}\n\
                 batch_size = {}\n\
                 learning_rate = {}\n\
                 weight_decay = {}\n",
                trainer.local_epochs,
                trainer.batch_size,
                trainer.learning_rate.toml(),
                trainer.weight_decay.toml()
            )?;
        }
        let Encoding { bits, chunk_elems, clip, scale_bits, bound, max_weight, rows_per_weight, metrics } =
            &self.encoding;
        write!(
            out,
            "\n[encoding]\n\
             # Updates are clipped to an L2 norm, rounded to integers and masked in a ring of so many bits, 16 to 64. The finest\n\
             # rounding that fits is chosen; scale_bits, bound and chunk_elems set it by hand.\n\
             bits = {bits}\n\
             clip = {}\n",
            clip.toml()
        )?;
        for (name, value) in
            [("scale_bits", scale_bits.map(u64::from)), ("bound", *bound), ("chunk_elems", chunk_elems.map(u64::from))]
        {
            if let Some(value) = value {
                writeln!(out, "{name} = {value}")?;
            }
        }
        write!(
            out,
            "# A provider counts in proportion to its rows, in steps: rows / rows_per_weight, at most max_weight. Weights are public.\n\
             max_weight = {max_weight}\n\
             rows_per_weight = {rows_per_weight}\n\
             # Whether updates carry the model's loss and hits on the rows trained on, two coordinates more, of which a group's mean is seen.\n\
             metrics = {metrics}\n\
             \n[optimiser]\n\
             # What the mean update does to the model (Reddi et al. 2021): fedavg with learning_rate; fedavgm with momentum too;\n\
             # fedadam with beta1, beta2 and tau.\n"
        )?;
        match &self.optimiser {
            Optimiser::Fedavg { learning_rate } => {
                writeln!(out, "kind = \"fedavg\"\nlearning_rate = {}", learning_rate.toml())
            }
            Optimiser::Fedavgm { learning_rate, momentum } => {
                let (rate, momentum) = (learning_rate.toml(), momentum.toml());
                writeln!(out, "kind = \"fedavgm\"\nlearning_rate = {rate}\nmomentum = {momentum}")
            }
            Optimiser::Fedadam { learning_rate, beta1, beta2, tau } => {
                let (rate, beta1, beta2, tau) = (learning_rate.toml(), beta1.toml(), beta2.toml(), tau.toml());
                writeln!(
                    out,
                    "kind = \"fedadam\"\nlearning_rate = {rate}\nbeta1 = {beta1}\nbeta2 = {beta2}\ntau = {tau}"
                )
            }
        }
    }

    fn write_combination(&self, out: &mut String) -> fmt::Result {
        out.push_str(
            "\n# How the sums of a round's groups become one update; without this section, the mean over all updates, which one hostile\n\
             # group moves anywhere. median; trimmed_mean with trim, the groups left out at each end; multi_krum with hostile, the groups\n\
             # that it bears, and selected, those that are averaged; clipped_mean with norm. min_providers must make enough groups.\n",
        );
        match self.combination {
            Combination::Mean {} => out.write_str("# [combination]\n# kind = \"trimmed_mean\"\n# trim = 1\n"),
            Combination::Median {} => out.write_str("[combination]\nkind = \"median\"\n"),
            Combination::TrimmedMean { trim } => {
                writeln!(out, "[combination]\nkind = \"trimmed_mean\"\ntrim = {trim}")
            }
            Combination::MultiKrum { hostile, selected } => {
                writeln!(out, "[combination]\nkind = \"multi_krum\"\nhostile = {hostile}\nselected = {selected}")
            }
            Combination::ClippedMean { norm } => {
                writeln!(out, "[combination]\nkind = \"clipped_mean\"\nnorm = {}", norm.toml())
            }
        }
    }

    fn write_cohort(&self, out: &mut String) -> fmt::Result {
        let (cohort, windows, rewards) = (&self.cohort, &self.windows, &self.rewards);
        write!(
            out,
            "\n[cohort]\n\
             # An epoch begins with min_providers to max_providers (at most 96).\n\
             min_providers = {}\n\
             max_providers = {}\n\
             # They are cut into groups of group_size to 2 group_size - 1; below twice group_size there is one group.\n\
             group_size = {}\n\
             # Nothing is revealed but sums of at least so many updates: at least 3, and at least 3/4 of group_size.\n\
             min_group = {}\n\
             # Seats that may lie or collude without learning anything; a quarter of the providers if it is left out.\n",
            cohort.min_providers, cohort.max_providers, cohort.group_size, cohort.min_group
        )?;
        match cohort.corrupt_heads {
            Some(heads) => writeln!(out, "corrupt_heads = {heads}")?,
            None => writeln!(out, "# corrupt_heads = {}", cohort.max_providers / 4)?,
        }
        out.push_str(
            "# What is feared of those who take part, in millionths; `bauta task estimate` shows what it leads to, and a task whose odds are\n\
             # too bad is refused. Corrupt providers, who may censor the others of a group; 0 if all of them are trusted not to collude.\n",
        );
        let share = |out: &mut String, name: &str, declared: Option<u32>, default: u32| match declared {
            Some(share) => writeln!(out, "{name} = {share}"),
            None => writeln!(out, "# {name} = {default}"),
        };
        share(out, "corrupt_heads_ppm", cohort.corrupt_heads_ppm, tails::CORRUPT_HEADS_PPM)?;
        out.push_str(
            "# Above 96 providers, where seats are drawn by bond: corrupt bond, and honest seats that do not answer.\n",
        );
        share(out, "corrupt_bond_ppm", cohort.corrupt_bond_ppm, tails::CORRUPT_BOND_PPM)?;
        share(out, "offline_seats_ppm", cohort.offline_seats_ppm, tails::OFFLINE_SEATS_PPM)?;
        writeln!(out, "# What a provider must have bonded.\nmin_bond = {}", cohort.min_bond)?;
        out.push_str(
            "# Only providers that this issuer has admitted may take part; anyone registered may if it is left out.\n",
        );
        match &cohort.issuer {
            Some(issuer) => writeln!(out, "issuer = {}", string(issuer))?,
            None => writeln!(out, "# issuer = \"bauta1...\"")?,
        }
        write!(
            out,
            "\n[windows]\n\
             # How many blocks each phase lasts at most; all but enrolment end early when nobody is waited for.\n\
             enrol = {}\ndeal = {}\ncomplain = {}\n\
             # In each round:\n\
             check_in = {}\nsubmit = {}\nunmask = {}\n\
             # After the last round: bonds stay locked for as long.\n\
             evidence = {}\n\
             # Where a group's sum is out of range: its members open one number an edge, and whose update it is is found; without this\n\
             # window such a group is void, and nobody is blamed.\n\
             {}\n\
             \n[rewards]\n\
             # For each update of a finished round, for each partial that unmasked one, and what 1,000 units of gas of the\n\
             # providers' messages cost the budget.\n\
             per_update = {}\nper_partial = {}\ngas_price = {}\n",
            windows.enrol,
            windows.deal,
            windows.complain,
            windows.check_in,
            windows.submit,
            windows.unmask,
            windows.evidence,
            windows.blame.map_or_else(|| "# blame = 20".to_owned(), |blame| format!("blame = {blame}")),
            rewards.per_update,
            rewards.per_partial,
            rewards.gas_price
        )
    }
}

/// A string as TOML writes it.
fn string(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Strings as TOML writes them, in lines that can be read.
fn list(texts: &[String]) -> String {
    let mut lines = vec![String::new()];
    for text in texts {
        let text = format!("{}, ", string(text));
        match lines.last_mut() {
            Some(line) if line.len() + text.len() <= 116 => line.push_str(&text),
            _ => lines.push(text),
        }
    }
    match lines.as_slice() {
        [only] => format!("[{}]", only.trim_end_matches(", ")),
        several => {
            format!("[\n{}]", several.iter().map(|line| format!("    {}\n", line.trim_end())).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Amount, Combination, Decimal, RecipeName, TaskFile};
    use bauta_rounds::params::default_params;
    use bauta_rounds::terms::Terms;
    use clap::ValueEnum as _;

    fn files() -> impl Iterator<Item = (RecipeName, u32, TaskFile)> {
        let sizes = [3, 4, 5, 10, 33, 96];
        RecipeName::value_variants().iter().flat_map(move |&name| {
            sizes.map(|providers| (name, providers, TaskFile::of_recipe(&name.recipe(providers), providers, 7)))
        })
    }

    #[test]
    fn what_is_rendered_reads_back_to_the_same_file() {
        for (name, providers, file) in files() {
            let text = file.render();
            assert_eq!(TaskFile::parse(&text).unwrap(), file, "{name:?} {providers}\n{text}");
            assert!(text.lines().all(|line| line.chars().count() <= 130), "{text}");
        }
    }

    #[test]
    fn the_chain_takes_every_recipe_and_starts_from_its_model() {
        for (name, providers, file) in files() {
            let settings = file.settings().unwrap();
            let terms = Terms::read(&settings).unwrap();
            let refusals = terms.refusals(&default_params());
            assert!(refusals.is_empty(), "{name:?} {providers}: {refusals:?}");
            let recipe = name.recipe(providers);
            assert_eq!(terms.spec, recipe.model_spec().unwrap());
            assert_eq!(terms.encoding, recipe.encoding(u64::from(providers)).unwrap());
            let initial = file.initial_model().unwrap();
            assert_eq!(terms.initial_model(Some(&initial)).unwrap(), recipe.initial_model(7).unwrap());
            assert_eq!(file.data_spec().unwrap(), recipe.data_spec());
        }
    }

    #[test]
    fn settings_say_the_same_as_the_file_they_came_from() {
        for (_, _, file) in files() {
            let settings = file.settings().unwrap();
            assert_eq!(TaskFile::of_settings(&settings).settings().unwrap(), settings);
        }
    }

    #[test]
    fn a_file_with_any_rule_of_combination_reads_back_and_says_what_the_settings_say() {
        for combination in [
            Combination::Mean {},
            Combination::Median {},
            Combination::TrimmedMean { trim: 2 },
            Combination::MultiKrum { hostile: 1, selected: 3 },
            Combination::ClippedMean { norm: Decimal("1.5".parse().unwrap()) },
        ] {
            let recipe = RecipeName::DigitsSoftmax.recipe(10);
            let file = TaskFile { combination, ..TaskFile::of_recipe(&recipe, 10, 7) };
            let text = file.render();
            assert_eq!(TaskFile::parse(&text).unwrap(), file, "{text}");
            let settings = file.settings().unwrap();
            assert_eq!(TaskFile::of_settings(&settings).combination, combination);
            assert_eq!(settings.combination.is_none(), combination.is_mean());
        }
        let text = TaskFile::of_recipe(&RecipeName::DigitsSoftmax.recipe(10), 10, 7).render();
        let said = text
            .replace("# [combination]\n# kind = \"trimmed_mean\"\n# trim = 1\n", "[combination]\nkind = \"mean\"\n");
        assert!(said != text && TaskFile::parse(&said).unwrap().combination.is_mean(), "{said}");
    }

    #[test]
    fn a_file_that_blames_reads_back_and_says_what_the_settings_say() {
        let recipe = RecipeName::DigitsSoftmax.recipe(10);
        let mut file = TaskFile::of_recipe(&recipe, 10, 7);
        assert!(file.settings().unwrap().blame.is_some(), "a task blames unless its file says otherwise");
        file.windows.blame = None;
        let text = file.render();
        assert_eq!(TaskFile::parse(&text).unwrap(), file, "{text}");
        assert_eq!(file.settings().unwrap().blame, None);
        file.windows.blame = Some(12);
        let text = file.render();
        assert_eq!(TaskFile::parse(&text).unwrap(), file, "{text}");
        let settings = file.settings().unwrap();
        assert_eq!(settings.blame.map(|blame| blame.window), Some(12));
        assert_eq!(TaskFile::of_settings(&settings).windows, file.windows);
    }

    #[test]
    fn of_a_network_on_the_chain_no_first_values_are_made_up() {
        for (name, _, file) in files() {
            let again = TaskFile::of_settings(&file.settings().unwrap());
            let text = again.render();
            let is_mlp = matches!(name, RecipeName::DigitsMlp | RecipeName::BreastCancerMlp);
            assert_eq!(text.contains("\n# [initial]\n"), is_mlp, "{text}");
            assert_eq!(text.contains("kind = \"zero\""), !is_mlp, "{text}");
            let read = TaskFile::parse(&text).unwrap();
            assert_eq!(read.initial_model().is_err(), is_mlp);
            let missing = read.initial_model().map_err(|invalid| invalid.to_string());
            assert!(!is_mlp || missing.unwrap_err().contains("[initial] is missing"));
        }
    }

    #[test]
    fn a_fault_in_the_file_is_named_by_its_line() {
        let good = TaskFile::of_recipe(&RecipeName::DigitsSoftmax.recipe(10), 10, 1).render();
        for (from, to, said) in [
            ("rounds = 30", "rounds = \"many\"", "invalid type"),
            ("rounds = 30", "rouds = 30", "unknown field `rouds`"),
            ("bits = 32", "bits = ", "line"),
            ("per_update = 1000", "per_update = -1", "amount"),
            ("clip = 4", "clip = \"four\"", "number"),
            ("momentum = 0.8", "momentum = 0.8\nbeta2 = 1", "beta2"),
        ] {
            assert!(good.contains(from), "{from}");
            let failure = format!("{:?}", TaskFile::parse(&good.replace(from, to)).unwrap_err());
            assert!(failure.contains(said) && failure.contains("line "), "{failure}");
        }
    }

    #[test]
    fn numbers_may_stand_in_quotes() {
        let good = TaskFile::of_recipe(&RecipeName::DigitsSoftmax.recipe(10), 10, 1);
        let text =
            good.render().replace("clip = 4", "clip = \"4.0\"").replace("min_bond = 1000000", "min_bond = \"1000000\"");
        assert_eq!(TaskFile::parse(&text).unwrap(), good);
        assert_eq!(good.cohort.min_bond, Amount(1_000_000));
        assert_eq!(Decimal("0.1234567890123".parse().unwrap()).toml(), "0.123456789");
    }
}
