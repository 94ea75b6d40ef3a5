using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Storage;
using MLflow.Server.Tests.Storage;
using Xunit;

namespace MLflow.Server.Tests.Blobs;

/// <summary>A trace with media in it.</summary>
internal static class LargeTrace
{
    /// <summary>A message with a picture, as JSON; long enough for the blob store.</summary>
    public static string Picture(int bytes = 100_000) =>
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"data:image/png;base64," + Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes)) + "\"}}]}]}";

    /// <summary>Stores a trace in a server and reads it back.</summary>
    public static async Task WriteAndReadAsync(MlflowServer server)
    {
        var store = server.Services.GetRequiredService<ITraceStore>();
        var id = SomeTrace.NewOtelId();
        var inputs = Picture();
        await store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(id, 1, attributes: ("mlflow.spanInputs", inputs))), Xunit.TestContext.Current.CancellationToken);

        var span = Assert.Single(await store.GetSpansAsync("tr-" + id, Xunit.TestContext.Current.CancellationToken));

        Assert.Equal(inputs, span["mlflow.spanInputs"]);
    }
}
