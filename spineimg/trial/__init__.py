"""From a folder of cases and a clinical table to the analysis of a trial."""
