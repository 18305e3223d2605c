"""What is measured once a second, and what is kept of it across supervisors."""
