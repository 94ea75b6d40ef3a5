using System.Buffers;
using System.Runtime.ExceptionServices;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using MLflow.Server.Access;

namespace MLflow.Server.Gateway;

/// <summary>
/// A call of the gateway from a page of this server. It goes the way of every client's call, as the one who looks at the page, and is under the same
/// permissions, limits, budgets and guards.
/// </summary>
internal sealed partial class LocalCall : IAsyncDisposable
{
    private readonly AsyncServiceScope _scope;
    private readonly LocalResponse _response = new();
    private readonly CancellationTokenSource _stop;
    private SequencePosition? _end;
    private Task _passing = Task.CompletedTask;

    private LocalCall(IServiceScopeFactory scopes, CancellationToken cancellationToken)
    {
        _scope = scopes.CreateAsyncScope();
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    /// <summary>HTTP status of the answer.</summary>
    public int Status => _response.StatusCode;

    /// <summary>Content type of the answer; null for none.</summary>
    public string? ContentType => _response.Headers.ContentType;

    /// <summary>The trace of the call; null where it is none.</summary>
    public string? TraceId => _response.Headers[GatewayTransformer.TraceHeader] is [{ Length: > 0 } id] ? id : null;

    /// <summary>Sends a call; its status is there on return. Disposing it stops it.</summary>
    /// <param name="scopes">Of the server.</param>
    /// <param name="user">Who has opened the page.</param>
    /// <param name="operation">The operation, as <c>chat/completions</c>.</param>
    /// <param name="body">The request in JSON.</param>
    /// <param name="replays">What it does again; null where nothing.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="MlflowException">UNAUTHENTICATED: they are no longer signed in. PERMISSION_DENIED: what they signed in with is not for calls.</exception>
    public static async Task<LocalCall> SendAsync(IServiceScopeFactory scopes, ClaimsPrincipal user, string operation, ReadOnlyMemory<byte> body, ReplayedCall? replays, CancellationToken cancellationToken)
    {
        var call = new LocalCall(scopes, cancellationToken);
        try
        {
            await call.StartAsync(user, operation, body, replays).ConfigureAwait(false);
            return call;
        }
        catch
        {
            await call.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Reads on in the answer; null at its end. What is read is valid until the next call.</summary>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <exception cref="Exception">The answer broke off: thrown once all that had come has been read.</exception>
    public async ValueTask<ReadOnlySequence<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_end is { } end)
        {
            _response.Reader.AdvanceTo(end);
            _end = null;
        }

        var read = await _response.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        _end = read.Buffer.End;
        if (!read.Buffer.IsEmpty)
        {
            return read.Buffer;
        }

        if (_response.Failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);

        // A writer that waits for its reader would wait for ever.
        await _response.Reader.CompleteAsync().ConfigureAwait(false);
        await _passing.ConfigureAwait(false);
        _stop.Dispose();
        await _scope.DisposeAsync().ConfigureAwait(false);
    }

    private async Task StartAsync(ClaimsPrincipal user, string operation, ReadOnlyMemory<byte> body, ReplayedCall? replays)
    {
        var caller = _scope.ServiceProvider.GetRequiredService<CurrentCaller>();
        caller.Set(user, null);

        // On the way of others this is the policy of the route.
        if (!(await caller.GetAsync().ConfigureAwait(false)).Has(TokenScope.Write))
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "What you signed in with may not call models.");
        }

        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = HttpMethods.Post,
            Protocol = HttpProtocol.Http11,
            Scheme = Uri.UriSchemeHttp,
            Path = "/gateway/openai/v1/" + operation,
            Headers = new HeaderDictionary { [HeaderNames.ContentType] = "application/json" },
            Body = new MemoryStream(body.ToArray(), writable: false),
        });
        features.Set<IHttpResponseFeature>(_response);
        features.Set<IHttpResponseBodyFeature>(_response);
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = _stop.Token });
        features.Set(replays);
        var context = new DefaultHttpContext(features) { RequestServices = _scope.ServiceProvider, User = user };
        _passing = PassAsync(context, operation);
        await _response.Started.ConfigureAwait(false);
    }

    private async Task PassAsync(HttpContext context, string operation)
    {
        Exception? failure = null;
        try
        {
            // Not on the page's own thread: its renderer waits for what is written here.
            await Task.Run(() => context.RequestServices.GetRequiredService<GatewayProxy>().PassAsync(context, operation, null)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && _stop.IsCancellationRequested))
        {
            // As for other clients: what had come stays, and then it breaks off.
            failure = e;
        }
        catch (Exception e)
        {
            LogFailed(context.RequestServices.GetRequiredService<ILogger<LocalCall>>(), operation, e);
            if (_response.HasStarted)
            {
                failure = new IOException("The gateway failed while it answered.", e);
            }
            else
            {
                await GatewayAnswers.WriteAsync(context, new GatewayRefusal(StatusCodes.Status500InternalServerError, "server_error", null, "The gateway failed; the log of the server says why.")).ConfigureAwait(false);
            }
        }

        await _response.EndAsync(failure).ConfigureAwait(false);
    }

    [LoggerMessage(LogLevel.Error, "A call of '{Operation}' from a page failed.")]
    private static partial void LogFailed(ILogger logger, string operation, Exception exception);
}
