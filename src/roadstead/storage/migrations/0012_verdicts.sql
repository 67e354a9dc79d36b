-- A check without a fault has the verdict "passes", as in all outputs; it was "holds".
UPDATE requests SET evidence = replace(evidence, '"verdict":"holds"', '"verdict":"passes"') WHERE evidence IS NOT NULL;
