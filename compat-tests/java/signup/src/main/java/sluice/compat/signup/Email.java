package sluice.compat.signup;

/** A mail to be sent. */
public record Email(String to, String subject) {}
