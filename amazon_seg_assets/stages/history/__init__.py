"""All that customers ever did: their days, who is new or came back, and cohorts."""
