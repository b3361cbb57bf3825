"""The methods tried on the records themselves: swaps of the sides, samples of clusters."""
