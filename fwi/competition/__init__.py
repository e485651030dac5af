"""What a competition takes: submissions, and how runs compare."""
