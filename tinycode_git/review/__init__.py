"""Reviews: findings on the lines of a diff, remembered in git, written in the formats that other tools read."""
