using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using MLflow.Sdk.Tests.Capture;
using MLflow.Tests;
using OpenAI;
using OpenAI.Chat;

namespace MLflow.Sdk.Tests.Traces;

/// <summary>Real calls against a scripted server become a stored trace, as it is written to <c>traces.json</c>.</summary>
public abstract class ReplayTestBase : CaptureTestBase
{
    private protected async Task<TraceRecord> StoredAsync()
    {
        await Capture.DrainAsync(Token);
        return TraceRecord.Parse(TracesJsonWriter.Write([Some.Encoded(Exporter.Spans)]));
    }

    private protected static ChatClient Client(HttpMessageHandler handler) => new("gpt-4o", new ApiKeyCredential("unused"), new OpenAIClientOptions
    {
        Transport = new HttpClientPipelineTransport(new HttpClient(handler)),
        RetryPolicy = new ClientRetryPolicy(0),
    });

    private protected static async Task<string> PostAsync(HttpMessageHandler handler, string path, string body)
    {
        using var http = new HttpClient(handler, disposeHandler: false);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("http://replayed" + path), content, Token);
        return await response.Content.ReadAsStringAsync(Token);
    }
}
