"""What makes and shows the project; none of it is installed."""
