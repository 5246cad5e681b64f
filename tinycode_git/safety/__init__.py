"""The safety validator: surface, engine, rules, policy, exceptions, findings."""
