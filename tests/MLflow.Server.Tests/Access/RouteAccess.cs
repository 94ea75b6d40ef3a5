namespace MLflow.Server.Tests.Access;

/// <summary>For whom a route is, and a request of it that is about an experiment which Edith may not read.</summary>
/// <param name="Policy">Who may: open, any, ingest, read, write, full or administrator.</param>
/// <param name="Query">The query string, or what stands in the path for its parameters, as <c>name=value</c> pairs.</param>
/// <param name="Body">The JSON of the request.</param>
/// <param name="IsAboutExperiment">Whether she is refused; false where the request concerns no experiment, or where it leaves out what she may not see.</param>
public sealed record RouteAccess(string Policy, string Query = "", string Body = "{}", bool IsAboutExperiment = true);
