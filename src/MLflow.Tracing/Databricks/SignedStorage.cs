using System.Globalization;
using System.Net;
using System.Text;

namespace MLflow;

/// <summary>
/// Writes and reads documents by signed addresses, as each kind of cloud storage wants it. Nothing but the headers of the credential is sent, since others break the signature, and
/// never the workspace's own credentials.
/// </summary>
internal sealed class SignedStorage
{
    /// <summary>Bytes of one block for Azure, unless the environment says otherwise.</summary>
    public const int DefaultChunkBytes = 10 << 20;

    private const string ChunkVariable = "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE";

    /// <summary>A large trace over a slow line.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    /// <summary>Of Azure's storage API (Put Block, Put Block List, Path Update): headers that a credential may ask for. Others are none of Azure's.</summary>
    private static readonly string[] AzureHeaders =
    [
        "x-ms-client-request-id", "x-ms-date", "x-ms-version", "x-ms-lease-id", "x-ms-encryption-scope", "x-ms-encryption-key", "x-ms-encryption-key-sha256", "x-ms-encryption-algorithm",
        "x-ms-access-tier", "x-ms-tags", "x-ms-blob-content-type", "x-ms-blob-cache-control", "x-ms-acl", "x-ms-permissions", "x-ms-umask",
    ];

    private readonly HttpClient _client;
    private readonly int _chunkBytes;

    public SignedStorage(HttpClient client, int chunkBytes)
    {
        _client = client;
        _chunkBytes = chunkBytes;
    }

    public static int ReadChunkBytes(DatabricksSurroundings surroundings) =>
        int.TryParse(surroundings.Read(ChunkVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes > 0 ? bytes : DefaultChunkBytes;

    /// <summary>Uploads a document. Until it is complete, readers see nothing of it.</summary>
    /// <param name="content">The document.</param>
    /// <param name="credential">Gets a signed address: at first, and once more if the storage refuses the first, which may have ended meanwhile.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ExportFailureException">It did not succeed.</exception>
    public async Task UploadAsync(ReadOnlyMemory<byte> content, Func<CancellationToken, Task<SignedCredential>> credential, CancellationToken cancellationToken)
    {
        var signed = await credential(cancellationToken).ConfigureAwait(false);
        try
        {
            await UploadAsync(content, signed, cancellationToken).ConfigureAwait(false);
        }
        catch (ExportFailureException e) when (e.Status is 401 or 403)
        {
            await UploadAsync(content, await credential(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads a document.</summary>
    /// <exception cref="ExportFailureException">It did not succeed; status 404 where there is none.</exception>
    public async Task<byte[]> DownloadAsync(Func<CancellationToken, Task<SignedCredential>> credential, CancellationToken cancellationToken)
    {
        var signed = await credential(cancellationToken).ConfigureAwait(false);
        try
        {
            return await SendAsync(HttpMethod.Get, signed, "", null, signed.Headers, cancellationToken).ConfigureAwait(false);
        }
        catch (ExportFailureException e) when (e.Status is 401 or 403)
        {
            signed = await credential(cancellationToken).ConfigureAwait(false);
            return await SendAsync(HttpMethod.Get, signed, "", null, signed.Headers, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task UploadAsync(ReadOnlyMemory<byte> content, SignedCredential signed, CancellationToken cancellationToken) => signed.Kind switch
    {
        SignedCredential.Aws or SignedCredential.Google => SendAsync(HttpMethod.Put, signed, "", content, signed.Headers, cancellationToken),
        SignedCredential.AzureBlob => UploadBlocksAsync(content, signed, cancellationToken),
        SignedCredential.AzureDataLake => AppendAsync(content, signed, cancellationToken),
        _ => throw new ExportFailureException(
            ExportFailureKind.Held, DropReasons.NoArtifactUpload, $"The workspace wants traces in a kind of storage that this version does not know, '{signed.Kind}': update MLflow.Tracing."),
    };

    /// <summary>Put Block for each piece, then Put Block List.</summary>
    private async Task UploadBlocksAsync(ReadOnlyMemory<byte> content, SignedCredential signed, CancellationToken cancellationToken)
    {
        var listed = ForAzure(signed);
        List<KeyValuePair<string, string>> headers = [.. listed, new("x-ms-blob-type", "BlockBlob")];
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for (var at = 0; at < content.Length; at += _chunkBytes)
        {
            var id = Convert.ToBase64String(Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("N")));
            var block = content.Slice(at, Math.Min(_chunkBytes, content.Length - at));
            await SendAsync(HttpMethod.Put, signed, "comp=block&blockid=" + Uri.EscapeDataString(id), block, headers, cancellationToken).ConfigureAwait(false);
            list.Append("<Uncommitted>").Append(id).Append("</Uncommitted>");
        }

        var body = Encoding.UTF8.GetBytes(list.Append("</BlockList>").ToString());
        await SendAsync(HttpMethod.Put, signed, "comp=blocklist", body, listed, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Create, append, flush.</summary>
    private async Task AppendAsync(ReadOnlyMemory<byte> content, SignedCredential signed, CancellationToken cancellationToken)
    {
        var headers = ForAzure(signed);
        await SendAsync(HttpMethod.Put, signed, "resource=file", ReadOnlyMemory<byte>.Empty, headers, cancellationToken).ConfigureAwait(false);
        var isSingle = content.Length <= _chunkBytes;
        for (var at = 0; at < content.Length; at += _chunkBytes)
        {
            var query = string.Create(CultureInfo.InvariantCulture, $"action=append&position={at}{(isSingle ? "&flush=true" : "")}");
            await SendAsync(HttpMethod.Patch, signed, query, content.Slice(at, Math.Min(_chunkBytes, content.Length - at)), headers, cancellationToken).ConfigureAwait(false);
        }

        if (!isSingle)
        {
            var query = string.Create(CultureInfo.InvariantCulture, $"action=flush&position={content.Length}");
            await SendAsync(HttpMethod.Patch, signed, query, ReadOnlyMemory<byte>.Empty, headers, cancellationToken).ConfigureAwait(false);
        }
    }

    private static List<KeyValuePair<string, string>> ForAzure(SignedCredential signed) =>
        [.. signed.Headers.Where(header => AzureHeaders.Contains(header.Key, StringComparer.OrdinalIgnoreCase))];

    private async Task<byte[]> SendAsync(
        HttpMethod method, SignedCredential signed, string query, ReadOnlyMemory<byte>? body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Timeout);
        var address = query.Length == 0 ? signed.Address : new Uri($"{signed.Address.OriginalString}{(signed.Address.Query.Length > 0 ? "&" : "?")}{query}");
        using var request = new HttpRequestMessage(method, address) { Content = body is { } bytes ? new ReadOnlyMemoryContent(bytes) : null };
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        try
        {
            using var answer = await _client.SendAsync(request, deadline.Token).ConfigureAwait(false);
            var content = await answer.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            return answer.IsSuccessStatusCode ? content : throw Failure(signed, method, answer.StatusCode);
        }
        catch (HttpRequestException e)
        {
            // The message of this exception names the host at most.
            throw new ExportFailureException(ExportFailureKind.Busy, DropReasons.ConnectionLost, $"The storage {signed.Address.Host} of the workspace: {e.GetBaseException().Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ExportFailureException(ExportFailureKind.Busy, DropReasons.Timeout, $"The storage {signed.Address.Host} of the workspace did not answer within {Timeout.TotalMinutes:0} minutes");
        }
    }

    /// <summary>What it answers is not quoted: storages repeat the signed address in it.</summary>
    private static ExportFailureException Failure(SignedCredential signed, HttpMethod method, HttpStatusCode status) => new(
        status is HttpStatusCode.RequestEntityTooLarge || (status == HttpStatusCode.NotFound && method == HttpMethod.Get) ? ExportFailureKind.Refused : ExportFailureKind.Busy,
        DropReasons.Status((int)status),
        string.Create(CultureInfo.InvariantCulture, $"The storage {signed.Address.Host} of the workspace ({signed.Kind}) answered {(int)status} to {method}"))
    {
        Status = (int)status,
    };
}
