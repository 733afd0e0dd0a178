//! The file that a command was given as a suite: YAML, or a file of Hurl by its ending.

use std::path::{Path, PathBuf};

use gate::{Suite, SuiteProblems};
use hurl_suite::Inputs;

use crate::check::settings;
use crate::failure::Failure;

/// What a file of Hurl names and does not have.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct HurlValues {
    /// A value for a variable of a Hurl file
    #[arg(long, value_name = "NAME=VALUE", value_parser = settings::pair)]
    var: Vec<(String, String)>,
    #[command(flatten)]
    secrets: HurlSecrets,
}

/// Secrets of a file of Hurl.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct HurlSecrets {
    /// Where a secret of a Hurl file is kept: password=ssm:/shop/password, password=env:PASSWORD
    #[arg(long, value_name = "NAME=WHERE", value_parser = settings::pair)]
    secret: Vec<(String, String)>,
}

impl HurlValues {
    /// What is given to these files, if one of them is a Hurl file; nothing else takes anything.
    pub(crate) fn given<'p>(
        &self,
        mut files: impl Iterator<Item = &'p PathBuf>,
    ) -> Result<Inputs, Failure> {
        let nothing = self.var.is_empty() && self.secrets.is_empty();
        if nothing || files.any(|file| hurl_suite::is_hurl(file)) {
            return Ok(self.secrets.given(&self.var));
        }
        let message = "--var and --secret give values to Hurl files here, and there is none";
        Err(Failure::Wrong(message.to_owned()))
    }
}

impl HurlSecrets {
    pub(crate) fn given(&self, vars: &[(String, String)]) -> Inputs {
        Inputs {
            vars: vars.to_vec(),
            secrets: self.secret.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.secret.is_empty()
    }
}

/// Reads the text of a file as the suite that it is.
pub(crate) fn parse(path: &Path, text: &str, given: &Inputs) -> Result<Suite, SuiteProblems> {
    let name = path.display().to_string();
    if hurl_suite::is_hurl(path) {
        hurl_suite::suite(&name, text, given)
    } else {
        Suite::parse(&name, text)
    }
}
