"""The steps of the pipeline: who is asked, what becomes of an answer, what is cached."""
