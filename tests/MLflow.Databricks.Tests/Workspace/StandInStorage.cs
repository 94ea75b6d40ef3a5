using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// The cloud storage behind the workspace: takes and gives objects by signed addresses. Fact sheet §1.9 says which verbs, queries and headers each kind takes; everything else
/// is refused, and so is whoever brings the workspace's own credentials here.
/// </summary>
internal sealed class StandInStorage(TimeProvider clock) : IAsyncDisposable
{
    private const string ServerSideEncryption = "x-amz-server-side-encryption";

    /// <summary>What every HTTP client sends. Anything else has to be in the credential, or belong to the kind of storage.</summary>
    private static readonly string[] PlainHeaders = ["Host", "Content-Length", "Accept-Encoding", "User-Agent", "Accept", "Connection"];

    private readonly ConcurrentDictionary<string, SignedGrant> _grants = new();
    private readonly ConcurrentDictionary<string, byte[]> _objects = new();
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, byte[]>> _blocks = new();
    private readonly ConcurrentDictionary<string, MemoryStream> _appended = new();
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private StandInWorkspace _workspace = null!;
    private LoopbackHost? _host;
    private int _cuts;
    private int _failures;
    private int _failureStatus;

    /// <summary>The storage of this workspace.</summary>
    public StorageKind Kind { get; set; } = StorageKind.AWS_PRESIGNED_URL;

    /// <summary>How long a signed address is good.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Called before each answer.</summary>
    public Action? Answering { get; set; }

    public IReadOnlyCollection<ReceivedRequest> Requests => _requests;

    /// <summary>Addresses that were issued; none may appear in what a client writes.</summary>
    public IEnumerable<string> Signatures => _grants.Keys;

    public IReadOnlyDictionary<string, byte[]> Objects => _objects;

    public async Task StartAsync(StandInWorkspace workspace)
    {
        _workspace = workspace;
        _host = await LoopbackHost.StartAsync(app => app.Run(AnswerAsync));
    }

    /// <summary>Breaks the connection in the middle of the next bodies.</summary>
    public void CutNext(int count) => _cuts = count;

    public void FailNext(int count, int status) => (_failures, _failureStatus) = (count, status);

    /// <summary>Ends every address that was issued.</summary>
    public void ExpireAll()
    {
        foreach (var grant in _grants.Values)
        {
            grant.Expires = DateTimeOffset.MinValue;
        }
    }

    public void Remove(string path) => _objects.TryRemove(path, out _);

    public void Put(string path, byte[] content) => _objects[path] = content;

    /// <summary>Issues a signed address.</summary>
    public (string Uri, SignedGrant Grant) Sign(string path, bool isUpload)
    {
        var signature = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        var headers = (Kind, isUpload) switch
        {
            (StorageKind.AWS_PRESIGNED_URL, true) => new Dictionary<string, string> { [ServerSideEncryption] = "AES256" },
            (StorageKind.GCP_SIGNED_URL, true) => new() { ["x-goog-content-length-range"] = "0,104857600" },

            // The second is none of Azure's: fact sheet §1.9, only allow-listed ones may be sent.
            (StorageKind.AZURE_SAS_URI or StorageKind.AZURE_ADLS_GEN2_SAS_URI, true) => new() { ["x-ms-client-request-id"] = "c-1", ["x-workspace-internal"] = "1" },
            _ => [],
        };
        var grant = new SignedGrant(Kind, isUpload, path, signature, headers) { Expires = clock.GetUtcNow() + Lifetime };
        _grants[signature] = grant;
        var query = Kind switch
        {
            StorageKind.AWS_PRESIGNED_URL => $"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={signature}",
            StorageKind.GCP_SIGNED_URL => $"X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={signature}",
            _ => $"sv=2023-11-03&sr=b&sig={signature}",
        };
        return ($"https://localhost:{_host!.Port}/{path}?{query}", grant);
    }

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (_cuts > 0 && context.Request.ContentLength > 0 && Interlocked.Decrement(ref _cuts) >= 0)
        {
            await context.Request.Body.ReadExactlyAsync(new byte[Math.Max(1, (int)context.Request.ContentLength / 2)]);
            context.Abort();
            return;
        }

        var body = await ApiRequest.BufferAsync(context);
        var received = new ReceivedRequest(
            context.Request.Method,
            context.Request.Path,
            context.Request.QueryString.Value ?? "",
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body);
        _requests.Enqueue(received);
        Answering?.Invoke();
        if (Interlocked.Decrement(ref _failures) >= 0)
        {
            context.Response.StatusCode = _failureStatus;
        }
        else
        {
            await AnswerAsync(context, body);
        }

        received.Status = context.Response.StatusCode;
    }

    private async Task AnswerAsync(HttpContext context, byte[] body)
    {
        var query = context.Request.Query;
        var signature = query["X-Amz-Signature"].ToString() is { Length: > 0 } aws ? aws : query["X-Goog-Signature"].ToString() is { Length: > 0 } google ? google : query["sig"].ToString();
        if (!_grants.TryGetValue(signature, out var grant) || grant.Path != context.Request.Path.Value![1..] || grant.Expires <= clock.GetUtcNow())
        {
            await RefuseAsync(context, 403, "AccessDenied", "Request has expired");
            return;
        }

        if (context.Request.Headers.ContainsKey("Authorization"))
        {
            Unlisted(context, "the workspace's credentials were sent to the storage");
            await RefuseAsync(context, 400, "InvalidArgument", "Only one auth mechanism allowed");
            return;
        }

        if (!grant.IsUpload)
        {
            await DownloadAsync(context, grant);
            return;
        }

        switch (grant.Kind)
        {
            case StorageKind.AWS_PRESIGNED_URL or StorageKind.GCP_SIGNED_URL:
                await PutWholeAsync(context, grant, body);
                break;
            case StorageKind.AZURE_SAS_URI:
                await PutBlockAsync(context, grant, body);
                break;
            default:
                await AppendAsync(context, grant, body);
                break;
        }
    }

    /// <summary>Fact sheet §1.9, first row: one PUT, the given headers and no others, no Content-Type, and a length, which these stores insist on.</summary>
    private async Task PutWholeAsync(HttpContext context, SignedGrant grant, byte[] body)
    {
        if (context.Request.Method != "PUT" || context.Request.ContentLength is null || !HasHeaders(context, grant.Headers))
        {
            Unlisted(context, "no such request belongs to the signature");
            await RefuseAsync(context, 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.");
            return;
        }

        _objects[grant.Path] = body;
    }

    /// <summary>Fact sheet §1.9, second row: blocks, then their list. The protocol sheet §8.2 knows a single PUT of the whole, too.</summary>
    private async Task PutBlockAsync(HttpContext context, SignedGrant grant, byte[] body)
    {
        var (comp, id) = (context.Request.Query["comp"].ToString(), context.Request.Query["blockid"].ToString());
        var expected = Azure(grant);
        if (comp != "blocklist")
        {
            expected["x-ms-blob-type"] = "BlockBlob";
        }

        if (context.Request.Method != "PUT" || context.Request.ContentLength is null || !HasHeaders(context, expected, "Content-Type"))
        {
            Unlisted(context, "no such request belongs to the signature");
            await RefuseAsync(context, 400, "InvalidHeaderValue", "A header is missing, or one is there that must not.");
            return;
        }

        var blocks = _blocks.GetOrAdd(grant.Path, _ => new());
        switch (comp)
        {
            case "block" when IsBlockId(id):
                blocks[id] = body;
                context.Response.StatusCode = 201;
                break;
            case "blocklist":
                var listed = XDocument.Parse(Encoding.UTF8.GetString(body)).Root!;
                if (listed.Name != "BlockList" || listed.Elements().Any(e => e.Name != "Uncommitted" || !blocks.ContainsKey(e.Value)))
                {
                    await RefuseAsync(context, 400, "InvalidBlockList", "The specified block list is invalid.");
                    return;
                }

                _objects[grant.Path] = [.. listed.Elements().SelectMany(e => blocks[e.Value])];
                context.Response.StatusCode = 201;
                break;
            case "":
                _objects[grant.Path] = body;
                context.Response.StatusCode = 201;
                break;
            default:
                Unlisted(context, $"comp={comp} with block '{id}'");
                await RefuseAsync(context, 400, "InvalidQueryParameterValue", "The query is not known.");
                break;
        }
    }

    /// <summary>Fact sheet §1.9, third row: create, append at a position, flush at the length. Nothing is there before the flush.</summary>
    private async Task AppendAsync(HttpContext context, SignedGrant grant, byte[] body)
    {
        var query = context.Request.Query;
        if (context.Request.ContentLength is null || !HasHeaders(context, Azure(grant), "Content-Type"))
        {
            Unlisted(context, "no such request belongs to the signature");
            await RefuseAsync(context, 400, "InvalidHeaderValue", "A header is missing, or one is there that must not.");
            return;
        }

        var position = query["position"].ToString();
        switch (context.Request.Method, query["resource"].ToString(), query["action"].ToString())
        {
            case ("PUT", "file", "") when body.Length == 0:
                _appended[grant.Path] = new MemoryStream();
                context.Response.StatusCode = 201;
                break;
            case ("PATCH", "", "append") when _appended.TryGetValue(grant.Path, out var file) && position == file.Length.ToString(System.Globalization.CultureInfo.InvariantCulture):
                file.Write(body);
                context.Response.StatusCode = 202;
                if (query["flush"] == "true")
                {
                    _objects[grant.Path] = file.ToArray();
                }

                break;
            case ("PATCH", "", "flush") when body.Length == 0 && _appended.TryGetValue(grant.Path, out var file) && position == file.Length.ToString(System.Globalization.CultureInfo.InvariantCulture):
                _objects[grant.Path] = file.ToArray();
                break;
            default:
                Unlisted(context, "no step of an upload is like this");
                await RefuseAsync(context, 400, "InvalidFlushPosition", "The uploaded data is not contiguous or the position is wrong.");
                break;
        }
    }

    /// <summary>Fact sheet §1.9, download: 404 where there is nothing.</summary>
    private async Task DownloadAsync(HttpContext context, SignedGrant grant)
    {
        if (context.Request.Method != "GET" || !HasHeaders(context, grant.Headers))
        {
            Unlisted(context, "no such request belongs to the signature");
            await RefuseAsync(context, 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.");
        }
        else if (_objects.TryGetValue(grant.Path, out var content))
        {
            await context.Response.BodyWriter.WriteAsync(content);
        }
        else
        {
            await RefuseAsync(context, 404, "NoSuchKey", "The specified key does not exist.");
        }
    }

    private static Dictionary<string, string> Azure(SignedGrant grant) =>
        grant.Headers.Where(h => h.Key.StartsWith("x-ms-", StringComparison.Ordinal)).ToDictionary(h => h.Key, h => h.Value);

    /// <summary>These headers and no others that a client sets.</summary>
    private static bool HasHeaders(HttpContext context, IReadOnlyDictionary<string, string> expected, params ReadOnlySpan<string> allowed)
    {
        foreach (var (name, value) in expected)
        {
            if (context.Request.Headers[name] != value)
            {
                return false;
            }
        }

        foreach (var name in context.Request.Headers.Keys)
        {
            if (!expected.ContainsKey(name) && !PlainHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) && !allowed.Contains(name))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Fact sheet §1.9: base64 of the hexadecimal digits of a uuid.</summary>
    private static bool IsBlockId(string id)
    {
        var bytes = new byte[64];
        return Convert.TryFromBase64String(id, bytes, out var length) && Guid.TryParseExact(Encoding.ASCII.GetString(bytes, 0, length), "N", out _);
    }

    private void Unlisted(HttpContext context, string why) => _workspace.AddUnlisted($"storage {Kind}: {context.Request.Method} {context.Request.Path}: {why}");

    private static async Task RefuseAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        await context.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"));
    }
}
