"""`cairn local`: the whole of Cairn on one machine, from the very template and bundles that are deployed to AWS."""
