namespace MLflow.Server.Storage;

/// <summary>A secret, a model, an endpoint or a budget, as it is stored.</summary>
/// <param name="Id">Unique among all kinds.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Body">Its JSON. What is secret in it is encrypted.</param>
internal sealed record GatewayDocument(string Id, string Kind, string Body);
