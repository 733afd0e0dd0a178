//! How settings are read: through a function, so that tests set no environment.

/// Finds the raw value of a setting by its name. In a function it is [`crate::settings::environment`].
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;
