//! The file that a command was given as a suite: YAML, or a file of Hurl by its ending.

use std::path::{Path, PathBuf};

use gate::{MAX_FILE_BYTES, Suite, SuiteProblems, SuiteReader};
use hurl_suite::Inputs;

use crate::check::settings;
use crate::failure::{self, Failure};

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
        yaml(path, text)
    }
}

/// Reads the text of a file as a suite in YAML, with the files beside it that it names.
pub(crate) fn yaml(path: &Path, text: &str) -> Result<Suite, SuiteProblems> {
    let name = path.display().to_string();
    SuiteReader::new(&name, text)
        .with_hurl(hurl_suite::journey)
        .finish(|file| beside(path, file))
}

/// The suite's file, and those beside it that it names, as far as it can be read.
pub(crate) fn made_of(suite: &Path) -> Vec<PathBuf> {
    let mut all = vec![suite.to_owned()];
    if let (false, Ok(text)) = (hurl_suite::is_hurl(suite), failure::read(suite)) {
        let reader = SuiteReader::new("", &text).with_hurl(hurl_suite::journey);
        let read = reader.finish(|file| {
            all.push(suite.with_file_name(file));
            beside(suite, file)
        });
        drop(read);
    }
    all
}

/// A file that lies beside the suite.
fn beside(suite: &Path, file: &str) -> Result<Vec<u8>, String> {
    if suite == Path::new("-") {
        return Err("a suite from standard input has nothing beside it; name its file".to_owned());
    }
    failure::bounded(&suite.with_file_name(file), MAX_FILE_BYTES).map_err(|error| error.to_string())
}
