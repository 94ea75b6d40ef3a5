namespace MLflow.Server.Otlp;

/// <summary>What the headers of a request, or its metadata over gRPC, say of who sends it.</summary>
/// <param name="ExperimentId">The experiment that it names; null for none.</param>
/// <param name="Token">Its bearer token; null for none.</param>
internal sealed record OtlpSender(string? ExperimentId, string? Token)
{
    public const string ExperimentIdHeader = "x-mlflow-experiment-id";
    private const string Bearer = "Bearer ";

    public static OtlpSender Of(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString();
        return new OtlpSender(
            request.Headers[ExperimentIdHeader].ToString() is { Length: > 0 } id ? id : null,
            authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim() : null);
    }
}
