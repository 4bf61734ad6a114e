"""What ``demo`` tells: a month of a company, from Brex into its books, with what goes wrong on the way."""
