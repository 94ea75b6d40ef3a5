using System.Net;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Traces;

namespace MLflow.Cli.Retention;

/// <summary>The calls about retention, which servers of MLflow itself do not have.</summary>
internal sealed class RetentionApi
{
    private readonly TrackingApi _api;

    public RetentionApi(TrackingApi api) => _api = api;

    public Task<JsonElement> GetAsync(string experimentId, CancellationToken cancellationToken) =>
        TellAsync(() => _api.GetAsync($"/api/3.0/mlflow/retention/get?experiment_id={Uri.EscapeDataString(experimentId)}", cancellationToken));

    /// <param name="path">Behind <c>/api/3.0/mlflow/</c>.</param>
    /// <param name="write">Writes the members of the call.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<JsonElement> PostAsync(string path, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        var bytes = body.ToArray();
        return TellAsync(() => _api.WriteAsync(HttpMethod.Post, "/api/3.0/mlflow/" + path, bytes, cancellationToken));
    }

    private async Task<JsonElement> TellAsync(Func<Task<byte[]>> call)
    {
        try
        {
            using var document = JsonDocument.Parse(await call(), TraceDocument.ReaderOptions);
            return document.RootElement.Clone();
        }
        catch (MlflowException e) when (e is { StatusCode: HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, ErrorCode: not MlflowErrorCode.ResourceDoesNotExist })
        {
            throw new CommandException($"the server at {_api.Address} has no such call: it is no server of this repository, or an older one", e);
        }
    }
}
