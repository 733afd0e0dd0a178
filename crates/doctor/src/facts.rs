//! What is known of an installation, in types of our own.

use std::collections::BTreeMap;

use wiring::Platform;

/// A fact, or why it is not known and what to do so that it is. Of what was looked up and is not there, the fact is
/// `Ok(None)`.
pub type Fact<T> = Result<T, String>;

/// The facts of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The stack.
    pub stack: Stack,
    /// Its functions.
    pub functions: Fact<Vec<Function>>,
    /// Its topics.
    pub topics: Fact<Vec<Topic>>,
    /// Its queues of what could not be dealt with.
    pub queues: Fact<Vec<Queue>>,
    /// Its schedules.
    pub schedules: Fact<Vec<Schedule>>,
    /// What may call the gates.
    pub deployments: Fact<Vec<Deployment>>,
    /// The suites that these would read, each once.
    pub suites: Vec<Suite>,
    /// The secrets and parameters that these suites name, each once.
    pub secrets: Vec<Secret>,
    /// The configurations of approvals and environments.
    pub configurations: Vec<Configuration>,
    /// What the functions' subnets lead to.
    pub network: Network,
}

impl Facts {
    /// The suites that can be read and are valid.
    pub(crate) fn usable_suites(&self) -> impl Iterator<Item = (&Suite, &SuiteContent)> {
        self.suites.iter().filter_map(|suite| {
            let content = suite.content.as_ref().ok()?.as_ref()?;
            content.problems.is_none().then_some((suite, content))
        })
    }
}

/// The stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// CloudFormation's status.
    pub status: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
}

impl Stack {
    /// A parameter; empty where the stack has no such.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// A function of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its logical id: `PreTraffic`.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// What Lambda says of it; none: there is no such function.
    pub configuration: Fact<Option<FunctionConfiguration>>,
}

/// What Lambda says of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionConfiguration {
    /// `Active`.
    pub state: String,
    /// `Successful`.
    pub last_update: String,
    /// Why these are what they are.
    pub why: String,
    /// In seconds.
    pub timeout: u32,
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// Empty outside of a VPC.
    pub subnets: Vec<String>,
    /// Empty outside of a VPC.
    pub security_groups: Vec<String>,
    /// Empty outside of a VPC.
    pub vpc: String,
}

/// A topic of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its logical id.
    pub logical_id: String,
    /// Who hears of it.
    pub subscriptions: Fact<Vec<Subscription>>,
}

/// A subscription of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `email`.
    pub protocol: String,
    /// An address, shown as SNS shows it.
    pub endpoint: String,
    /// Whether whoever subscribed has confirmed.
    pub is_confirmed: bool,
}

/// A queue of what could not be dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its logical id.
    pub logical_id: String,
    /// How many messages wait in it.
    pub waiting: Fact<u64>,
}

/// A schedule of environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Whether it is enabled; none: there is no such schedule.
    pub is_enabled: Fact<Option<bool>>,
}

/// A deployment group of CodeDeploy, or a service that ECS deploys itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// `the deployment group shop/production`
    pub place: String,
    /// What deploys what; none where it is not known, or where nothing was deployed yet.
    pub platform: Option<Platform>,
    /// Whether it calls the gates of this stack, before traffic and after.
    pub gates: Fact<[bool; 2]>,
    /// What the rules of the wiring say of its last deployment.
    pub wiring: Fact<Vec<wiring::Finding>>,
    /// The listeners that the gates would ask.
    pub listeners: Fact<Vec<Listener>>,
}

impl Deployment {
    /// Whether it is known to call a gate of this stack.
    pub fn calls_gates(&self) -> bool {
        self.gates.as_ref().is_ok_and(|gates| gates.contains(&true))
    }
}

/// A listener of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The load balancer's name.
    pub load_balancer: String,
    /// The port.
    pub port: u16,
    /// Whether it can be reached from its VPC alone.
    pub is_internal: bool,
    /// Its VPC.
    pub vpc: String,
    /// Its security groups; a Network Load Balancer may have none, and lets everybody in.
    pub security_groups: Vec<String>,
}

/// A suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// Where it lies.
    pub place: String,
    /// For what.
    pub for_what: String,
    /// Whoever is known to read it; nobody where it is for whatever calls next.
    pub callers: Vec<SuiteCaller>,
    /// What it says; none: it is not there.
    pub content: Fact<Option<SuiteContent>>,
}

/// A deployment that reads a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteCaller {
    /// As [`Deployment::place`].
    pub place: String,
    /// As [`Deployment::platform`].
    pub platform: Option<Platform>,
    /// Which gates read it: before traffic and after.
    pub gates: [bool; 2],
}

/// What a suite says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuiteContent {
    /// What is wrong with it, with line and column.
    pub problems: Option<String>,
    /// Whether it asks people where the evidence is not enough.
    pub asks_people: bool,
    /// Required checks of pre-traffic and post-traffic.
    pub required: [usize; 2],
    /// Whether people may override checks of it.
    pub is_overridable: bool,
    /// Whether its bake fits where CodeDeploy waits for the gate.
    pub bake: BakeFit,
}

/// Whether a gate can measure a bake while CodeDeploy waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BakeFit {
    /// By one invocation.
    #[default]
    Fits,
    /// The gate hands it to itself.
    HandedOn,
    /// It can't.
    TooLong {
        /// A sentence.
        why: String,
        /// What to do.
        remedy: String,
    },
}

/// A secret or a parameter that a suite names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// `ssm:/shop/password`
    pub written: String,
    /// The suites that name it.
    pub suite: String,
    /// Its ARN; none: there is no such.
    pub arn: Fact<Option<String>>,
}

/// A configuration of approvals or environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The parameter that says where it lies.
    pub parameter: String,
    /// Where it lies.
    pub place: String,
    /// What is wrong with it; none: nothing.
    pub problem: Fact<Option<String>>,
}

/// What the functions' subnets lead to; empty where they are in no VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The routes of each subnet.
    pub routes: Fact<BTreeMap<String, DefaultRoute>>,
    /// The rules of each security group that matters.
    pub security_groups: Fact<BTreeMap<String, SecurityGroup>>,
    /// The services that have an endpoint in a VPC: `vpc-1` → `codedeploy`, `s3`.
    pub endpoints: Fact<BTreeMap<String, Vec<String>>>,
}

/// Where a subnet's default route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultRoute {
    /// There is none.
    None,
    /// To an internet gateway: a function has no public address, so nothing comes back.
    InternetGateway,
    /// To a NAT gateway, a transit gateway or the like.
    Elsewhere,
}

/// The rules of a security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Who may come in.
    pub ingress: Vec<GroupRule>,
    /// Where it lets out.
    pub egress: Vec<GroupRule>,
}

/// A rule of a security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupRule {
    /// The ports; none: all, of all protocols.
    pub ports: Option<(u16, u16)>,
    /// Ranges of addresses.
    pub ranges: Vec<String>,
    /// Security groups.
    pub groups: Vec<String>,
    /// Prefix lists, of which it is not known here what they hold.
    pub prefix_lists: Vec<String>,
}
