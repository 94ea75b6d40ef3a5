using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace MLflow.Benchmarks.Calls;

/// <summary>The calls that are measured, all through an <see cref="IChatClient"/> over the same OpenAI client, on a connection that ends in memory.</summary>
internal sealed class CallPrograms : IDisposable
{
    private const string Source = "benchmark";

    private static readonly ChatMessage[] Messages =
    [
        new(ChatRole.System, string.Join(' ', Enumerable.Repeat("You are a helpful assistant.", 30))),
        new(ChatRole.User, "What is the capital of France?"),
    ];

    private readonly IChatClient _chat = Client(CannedAnswers.Chat());
    private readonly IChatClient _stream = Client(CannedAnswers.Stream());
    private readonly IChatClient _tracedChat;
    private readonly IChatClient _tracedStream;
    private readonly HttpClient _unrelated;
    private readonly TracerProvider _provider;
    private CannedConnection? _unrelatedConnection;

    public CallPrograms(string collector)
    {
        _tracedChat = Traced(_chat);
        _tracedStream = Traced(_stream);
        _unrelated = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(_unrelatedConnection = new CannedConnection(CannedAnswers.Small())),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        });
        _provider = Sdk.CreateTracerProviderBuilder()
            .AddSource(Source)
            .AddOtlpExporter(o =>
            {
                o.Endpoint = new Uri(collector + "/v1/traces");
                o.Protocol = OtlpExportProtocol.HttpProtobuf;
            })
            .Build();
        Mlflow.SetTrackingUri(collector);

        // Connecting is done by threads of the pool.
        Task.WaitAll(_chat.GetResponseAsync(Messages), ReadAsync(_stream), GetAsync());
    }

    /// <summary>The head of the last unrelated request, as it went over the connection.</summary>
    public string UnrelatedHead => _unrelatedConnection!.LastHead;

    public void Chat(Tracing tracing) => Complete((tracing == Tracing.ExtensionsAI ? _tracedChat : _chat).GetResponseAsync(Messages));

    public void Stream(Tracing tracing) => Complete(ReadAsync(tracing == Tracing.ExtensionsAI ? _tracedStream : _stream));

    public void Unrelated() => Complete(GetAsync());

    public void Flush(Tracing tracing)
    {
        if (tracing == Tracing.Autolog)
        {
            Mlflow.FlushAsync().GetAwaiter().GetResult();
        }
        else if (tracing == Tracing.ExtensionsAI)
        {
            _provider.ForceFlush();
        }
    }

    public void Dispose()
    {
        _provider.Dispose();
        _tracedChat.Dispose();
        _tracedStream.Dispose();
        _unrelated.Dispose();
    }

    /// <summary>What did not complete on this thread would not be counted to it.</summary>
    private static void Complete(Task task)
    {
        if (!task.IsCompleted)
        {
            throw new InvalidOperationException("The call went on on another thread: its cost cannot be told.");
        }

        task.GetAwaiter().GetResult();
    }

    private static async Task ReadAsync(IChatClient client)
    {
        await foreach (var _ in client.GetStreamingResponseAsync(Messages).ConfigureAwait(false))
        {
        }
    }

    private async Task GetAsync()
    {
        using var response = await _unrelated.GetAsync("http://warehouse.test/stock/4711").ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
    }

    private static IChatClient Client(IReadOnlyList<byte[]> answer)
    {
#pragma warning disable CA2000 // The transport keeps the handler for the life of the process.
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new CannedConnection(answer)),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        var options = new OpenAIClientOptions
        {
            Endpoint = new Uri("http://api.openai.test/v1"),
            Transport = new HttpClientPipelineTransport(new HttpClient(handler)),
        };
#pragma warning restore CA2000
        return new ChatClient("gpt-4o-mini", new ApiKeyCredential("benchmark"), options).AsIChatClient();
    }

    private static IChatClient Traced(IChatClient client) => client.AsBuilder()
        .UseOpenTelemetry(sourceName: Source, configure: c => c.EnableSensitiveData = true)
        .Build();
}
