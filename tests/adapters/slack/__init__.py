"""What people do on Slack, and what they see there."""
