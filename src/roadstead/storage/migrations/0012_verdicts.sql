-- A check that is in order has the verdict "passes", as everywhere it is shown; it was "holds".
UPDATE requests SET evidence = replace(evidence, '"verdict":"holds"', '"verdict":"passes"') WHERE evidence IS NOT NULL;
