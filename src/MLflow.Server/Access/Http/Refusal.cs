namespace MLflow.Server.Access.Http;

/// <summary>Why a request's credentials were not accepted, for its answer.</summary>
/// <param name="Message">What is wrong and what to do; the same for unknown users and wrong passwords.</param>
/// <param name="Wait">How long there are no more attempts; null when there are.</param>
internal sealed record Refusal(string Message, TimeSpan? Wait = null);
