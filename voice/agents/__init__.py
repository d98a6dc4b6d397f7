"""Who answers: personas with their tools and budgets."""
