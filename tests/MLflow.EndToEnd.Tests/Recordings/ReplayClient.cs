using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Net.Http.Headers;
using OpenAI;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Sends recorded requests again, by the OpenAI package where it has a method for them.</summary>
public sealed class ReplayClient(ReplayEndpoint endpoint)
{
    /// <summary>Methods of the package that went to another path than the recorded one, by operation.</summary>
    public ConcurrentDictionary<string, string> WrongPaths { get; } = new();

    /// <summary>Exchanges that the package's own methods sent.</summary>
    public ConcurrentBag<string> SentByPackage { get; } = [];

    /// <summary>A client of the package whose requests go to the recorded address of one exchange.</summary>
    public OpenAIClient PackageClient(Recording recording)
    {
        var options = new OpenAIClientOptions
        {
            Endpoint = new Uri(ReplayEndpoint.AddressOf(recording), "/v1"),
            RetryPolicy = new ClientRetryPolicy(0),
            Transport = new HttpClientPipelineTransport(endpoint.Client),
        };
        options.AddPolicy(new RecordedAddress(this, recording), PipelinePosition.PerCall);
        return new OpenAIClient(new ApiKeyCredential("sk-replay"), options);
    }

    /// <summary>Sends the recorded request and gives the bytes of the answer as the program sees them.</summary>
    public async Task<byte[]> SendAsync(Recording recording, bool isAsync, CancellationToken cancellationToken)
    {
        var call = PackageCalls.All[recording.Operation!];

        // The package edits images by forms only; a recorded JSON request is another client's.
        if (call.Send is null || (recording.Operation == "createImageEdit" && !recording.HasMultipartRequest))
        {
            return await SendPlainAsync(recording, isAsync, cancellationToken);
        }

        SentByPackage.Add(recording.Id);
        var request = new PackageRequest(recording, cancellationToken);
        try
        {
            var client = PackageClient(recording);
            var result = isAsync ? await call.SendAsync!(client, request) : call.Send(client, request);
            using var response = result.GetRawResponse();
            if (request.Options.BufferResponse)
            {
                return response.Content.ToArray();
            }

            using var body = new MemoryStream();
            if (isAsync)
            {
                await response.ContentStream!.CopyToAsync(body, cancellationToken);
            }
            else
            {
                response.ContentStream!.CopyTo(body);
            }

            return body.ToArray();
        }
        catch (ClientResultException e)
        {
            return e.GetRawResponse()!.Content.ToArray();
        }
    }

    private async Task<byte[]> SendPlainAsync(Recording recording, bool isAsync, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(new HttpMethod(recording.Method), ReplayEndpoint.AddressOf(recording));
        request.Headers.Add(ReplayEndpoint.Header, recording.Id);
        if (recording.RequestBody is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(recording.RequestContentType ?? "application/json");
        }

        using var response = isAsync ? await endpoint.Client.SendAsync(request, cancellationToken) : endpoint.Client.Send(request, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>Names the recording, and replaces what the package made of the address; a fixed query or another server's path is the recorded program's.</summary>
    private sealed class RecordedAddress(ReplayClient owner, Recording recording) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Set(message);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Set(message);
            return ProcessNextAsync(message, pipeline, currentIndex);
        }

        private void Set(PipelineMessage message)
        {
            var path = message.Request.Uri!.AbsolutePath;
            if (recording.Provider == "openai" && recording.Url.AbsolutePath.StartsWith("/v1/", StringComparison.Ordinal) && path != recording.Url.AbsolutePath)
            {
                owner.WrongPaths[recording.Operation!] = path;
            }

            message.Request.Headers.Set(ReplayEndpoint.Header, recording.Id);
            message.Request.Uri = ReplayEndpoint.AddressOf(recording);
        }
    }
}
