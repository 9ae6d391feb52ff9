"""The deployment: how the bundles are built, and the stacks that CDK makes of them, one construct a concern."""
