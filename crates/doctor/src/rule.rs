//! Every rule, with the name that reports use, and what must hold.

wiring::rules! {
    Stack, "stack",
        "The last operation on the stack has succeeded.";
    Functions, "functions",
        "Every function of the stack exists, is active, and its last update has succeeded.";
    Settings, "settings",
        "The functions have the time limits and the places of suites and configurations that the stack's parameters say.";
    Callers, "callers",
        "Some deployment group of CodeDeploy or service of ECS calls a gate of this stack, or pipelines do.";
    Suites, "suites",
        "The suite of each deployment that calls a gate can be read and is valid.";
    RequiredChecks, "required-checks",
        "Each such suite has a required check for each gate that reads it.";
    Bake, "bake",
        "No bake is longer than a gate can measure while CodeDeploy waits: 50 minutes.";
    Questions, "questions",
        "Where a suite says `inconclusive: ask`, the stack has `ApprovalsConfig` and `GateEventBus`.";
    Secrets, "secrets",
        "Each secret and parameter that a suite names exists, and the stack's parameters let the gates read it.";
    Configurations, "configurations",
        "The configurations of approvals and environments can be read and are valid.";
    Subscriptions, "subscriptions",
        "Somebody hears of each topic, and every subscription is confirmed.";
    Queues, "queues",
        "Nothing waits in the queues of what could not be dealt with.";
    Schedules, "schedules",
        "The schedules of environments exist and are enabled.";
    WayOut, "way-out",
        "A function in a VPC reaches the APIs of AWS that it needs: by a NAT gateway or the like, or by endpoints.";
    Listeners, "listeners",
        "The gates reach the listeners that they would ask, as far as networks and security groups say.";
    Wiring, "wiring",
        "The last deployment of each caller holds the rules of its wiring.";
}
