using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;

namespace MLflow.Server.Gateway;

/// <summary>
/// Sends a call to its models, one after another, until one answers: as long as no byte of an answer has been passed on, the client does not notice that another
/// has failed. What the last one answers, or how it fails, is what the client gets.
/// </summary>
internal sealed class UpstreamHandler : HttpMessageHandler
{
    /// <summary>Bytes of an answer that are looked at before it is passed on.</summary>
    private const int PeekBytes = 16 * 1024;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    /// <summary>What is passed on of a client's headers. Everything else may be about this server: cookies, tokens, addresses.</summary>
    private static readonly HashSet<string> PassedHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Encoding", "Accept-Language", "User-Agent", "OpenAI-Beta", "Idempotency-Key", "X-Client-Request-Id", "anthropic-version", "anthropic-beta",
    };

    private readonly GatewayCall _call;
    private readonly HttpMessageInvoker _connections;
    private readonly CallRates _rates;
    private readonly TimeProvider _timeProvider;

    public UpstreamHandler(GatewayCall call, HttpMessageInvoker connections, CallRates rates, TimeProvider timeProvider)
    {
        _call = call;
        _connections = connections;
        _rates = rates;
        _timeProvider = timeProvider;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        for (var (model, tries) = (0, 0); ;)
        {
            var target = _call.Targets[model];
            var mayRetry = tries < _call.Endpoint.Retries;
            var mayFallBack = model + 1 < _call.Targets.Count;
            if (_rates.TryTakeModel(_call.Endpoint, target.ModelId) is { } full)
            {
                (model, tries) = mayFallBack ? (model + 1, 0) : throw full;
                continue;
            }

            var body = _call.BodyFor(target);
            var upstream = Request(target, body);
            var attempt = _call.Recorded is { } recorded ? HttpCapture.Try(recorded, upstream, body.Span) : null;
            HttpResponseMessage? response = null;
            try
            {
                response = await _connections.SendAsync(upstream, cancellationToken).ConfigureAwait(false);
                if (IsRedirect(response.StatusCode))
                {
                    throw new UpstreamRefusedException($"The upstream answered with a redirect ({(int)response.StatusCode}), which is not followed: its address has to be right.");
                }

                var isFailure = (mayRetry || mayFallBack) && (response.IsSuccessStatusCode ? !await PeekAsync(response, cancellationToken).ConfigureAwait(false) : IsFailure(response.StatusCode, mayFallBack));
                if (!isFailure)
                {
                    if (attempt is not null)
                    {
                        HttpCapture.Answer(attempt, response, _call.Context.RequestAborted);
                    }

                    return response;
                }

                attempt?.SetResponse(response);
                attempt?.EndBody(BodyEnd.Completed, null);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                attempt?.SetException(e);
                attempt?.EndBody(e);
                response?.Dispose();
                if (!(mayRetry || mayFallBack) || cancellationToken.IsCancellationRequested)
                {
                    throw;
                }
            }

            var status = response?.StatusCode;
            var pause = Pause(tries, response?.Headers.RetryAfter);
            response?.Dispose();

            // A key that is wrong does not become right.
            mayRetry &= status is null || !IsAboutKey(status.Value);
            (model, tries) = mayRetry ? (model, tries + 1) : (model + 1, 0);
            if (mayRetry)
            {
                await Task.Delay(pause, _timeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsRedirect(HttpStatusCode status) => status is >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest and not HttpStatusCode.NotModified;

    private static bool IsAboutKey(HttpStatusCode status) => status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound;

    /// <summary>What another model, or another try, may do better. A request that is wrong is wrong everywhere.</summary>
    private static bool IsFailure(HttpStatusCode status, bool mayFallBack) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError || (mayFallBack && IsAboutKey(status));

    private static TimeSpan Pause(int tries, RetryConditionHeaderValue? asked)
    {
        var pause = FirstPause * Math.Pow(2, tries);
        return asked?.Delta is { } delta && delta > pause ? (delta < MaxPause ? delta : MaxPause) : pause;
    }

    /// <summary>Reads the beginning of an answer, so that one that breaks before it begins is no answer. False where it begins with an error.</summary>
    private static async Task<bool> PeekAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), new StreamPipeReaderOptions(bufferSize: PeekBytes));
        var beginning = (await body.ReadAsync(cancellationToken).ConfigureAwait(false)).Buffer;
        var isError = IsEventStream(response) && (StartsWith("data: {\"error\""u8) || StartsWith("data:{\"error\""u8) || StartsWith("event: error"u8));

        // Nothing of it is taken: whoever reads next has it at once.
        body.AdvanceTo(beginning.Start);
        var peeked = new StreamContent(body.AsStream());
        foreach (var (name, values) in response.Content.Headers.NonValidated)
        {
            peeked.Headers.TryAddWithoutValidation(name, values);
        }

        response.Content = peeked;
        return !isError;

        bool StartsWith(ReadOnlySpan<byte> text) => beginning.FirstSpan.StartsWith(text);
    }

    private static bool IsEventStream(HttpResponseMessage response) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var type) && type.ToString().StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private HttpRequestMessage Request(UpstreamTarget target, ReadOnlyMemory<byte> body)
    {
        var client = _call.Context.Request;
        var isTls = target.Address.Scheme == Uri.UriSchemeHttps;
        var request = new HttpRequestMessage(new HttpMethod(client.Method), target.Address)
        {
            // Without TLS nobody agrees on HTTP/2.
            Version = isTls ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Content = new ReadOnlyMemoryContent(body),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", client.ContentType ?? "application/json");
        foreach (var (name, values) in client.Headers)
        {
            if (PassedHeaders.Contains(name) || name.StartsWith("x-stainless-", StringComparison.OrdinalIgnoreCase))
            {
                request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        target.Provider.Authorize(request, target.Key);
        return request;
    }
}
