using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Caching.Memory;
using MLflow.Server.Access;
using MLflow.Server.Storage;

namespace MLflow.Server.Secrets;

/// <summary>
/// Keeps secrets, and gives their values to the gateway alone. Whether somebody may change one is decided before. A secret is bound to where it is sent: another
/// address or provider needs its values again, so that whoever may change addresses cannot have the values sent to them.
/// </summary>
internal sealed class SecretVault : IDisposable
{
    public const string DefaultProvider = "openai";
    private const int MaxName = 255;
    private const int MaxValueBytes = 64 * 1024;
    private const int MaxValues = 20;
    private const int MaxConfigLength = 2000;
    private const int KeptKeys = 1000;
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly Documents _documents;
    private readonly AuditLog _audit;
    private readonly TimeProvider _timeProvider;

    // Key management services are far away, and are paid by the call.
    private readonly MemoryCache _unwrapped = new(new MemoryCacheOptions { SizeLimit = KeptKeys });

    public SecretVault(Documents documents, KeyRing keys, AuditLog audit, TimeProvider timeProvider)
    {
        _documents = documents;
        Keys = keys;
        _audit = audit;
        _timeProvider = timeProvider;
    }

    public KeyRing Keys { get; }

    /// <summary>All secrets, by name.</summary>
    public IReadOnlyList<StoredSecret> List() => All(_documents.Current());

    public StoredSecret? FindById(string id) => _documents.Current().All.FirstOrDefault(document => document.Id == id && document.Kind == StoredSecret.Kind) is { } found ? Read(found) : null;

    public StoredSecret? FindByName(string name) => List().FirstOrDefault(secret => secret.Name == name);

    /// <summary>Of documents, the secrets, by name.</summary>
    public static IReadOnlyList<StoredSecret> All(GatewayDocuments documents) =>
        [.. documents.All.Where(document => document.Kind == StoredSecret.Kind).Select(Read).OrderBy(secret => secret.Name, StringComparer.Ordinal)];

    /// <param name="actor">Who does it.</param>
    /// <param name="name">To know it by; it stays.</param>
    /// <param name="provider">Whose it is.</param>
    /// <param name="values">Its values, by what they are called: <c>api_key</c>.</param>
    /// <param name="authConfig">What belongs to them and is no secret.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">Name, provider, values or address are not right; the name is taken; there is no key to encrypt with.</exception>
    public async Task<StoredSecret> CreateAsync(
        Actor actor, string name, string provider, IReadOnlyDictionary<string, string> values, IReadOnlyDictionary<string, string> authConfig, CancellationToken cancellationToken)
    {
        CheckName(name);
        CheckValues(values);
        CheckAuthConfig(authConfig);
        var now = _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        var created = await EncryptAsync(
            new StoredSecret
            {
                Id = "s-" + Guid.NewGuid().ToString("n"),
                Name = name,
                Provider = provider,
                AuthConfig = authConfig,
                EncryptedValue = [],
                WrappedKey = [],
                KeyVersion = 0,
                Format = StoredSecret.FormatOfOurs,
                CreatedMs = now,
                UpdatedMs = now,
                CreatedBy = actor.Name,
                UpdatedBy = actor.Name,
            },
            values,
            cancellationToken).ConfigureAwait(false);
        await _documents.ChangeAsync(
            documents => All(documents).Any(secret => secret.Name == name)
                ? throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"Secret with name '{name}' already exists") { Field = "secret_name" }
                : Task.FromResult(new DocumentChange<bool>(true, Document(created))),
            cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.CreateSecret, Target(created), AuditResult.Done).ConfigureAwait(false);
        return created;
    }

    /// <param name="actor">Who does it.</param>
    /// <param name="id">Of the secret.</param>
    /// <param name="values">Its new values; empty to leave them.</param>
    /// <param name="authConfig">What belongs to them now; null to leave it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such secret. INVALID_STATE: its address would change, and its values are not given.</exception>
    public async Task<StoredSecret> UpdateAsync(Actor actor, string id, IReadOnlyDictionary<string, string> values, IReadOnlyDictionary<string, string>? authConfig, CancellationToken cancellationToken)
    {
        if (values.Count > 0)
        {
            CheckValues(values);
        }

        if (authConfig is not null)
        {
            CheckAuthConfig(authConfig);
        }

        var updated = await _documents.ChangeAsync(
            async documents =>
            {
                var old = All(documents).FirstOrDefault(secret => secret.Id == id) ?? throw NotFound("secret_id", id);
                var change = old with { AuthConfig = authConfig ?? old.AuthConfig, UpdatedMs = _timeProvider.GetUtcNow().ToUnixTimeMilliseconds(), UpdatedBy = actor.Name };
                if (values.Count > 0)
                {
                    change = await EncryptAsync(change with { Format = StoredSecret.FormatOfOurs }, values, cancellationToken).ConfigureAwait(false);
                }
                else if (SecretDestination.Of(change.AuthConfig) != SecretDestination.Of(old.AuthConfig))
                {
                    throw new MlflowException(
                        ErrorCode.INVALID_STATE,
                        $"Secret '{old.Name}' is for {Shown(old)} only: to send it to {Shown(change)}, give its values again in 'secret_value'. Whoever may change addresses shall not come by what is sent there.")
                    { Field = "secret_value" };
                }

                return new DocumentChange<StoredSecret>(change, Document(change));
            },
            cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.ChangeSecret, values.Count > 0 ? $"{Target(updated)}: new value" : Target(updated), AuditResult.Done).ConfigureAwait(false);
        return updated;
    }

    /// <param name="actor">Who does it.</param>
    /// <param name="id">Of the secret.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="check">Throws where what there is at that moment speaks against it.</param>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such secret.</exception>
    public async Task DeleteAsync(Actor actor, string id, CancellationToken cancellationToken, Action<GatewayDocuments>? check = null)
    {
        var deleted = await _documents.ChangeAsync(
            documents =>
            {
                check?.Invoke(documents);
                return Task.FromResult(new DocumentChange<StoredSecret>(All(documents).FirstOrDefault(secret => secret.Id == id) ?? throw NotFound("secret_id", id), [], [id]));
            },
            cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.DeleteSecret, Target(deleted), AuditResult.Done).ConfigureAwait(false);
    }

    /// <summary>Encrypts the keys of all secrets with the newest key. Their values stay as they are, and can be read all the while: all change at once.</summary>
    /// <returns>How many were encrypted with an older key, and the version of the newest.</returns>
    /// <exception cref="MlflowException">INVALID_STATE: a key of an older version is missing. Nothing is changed then.</exception>
    public async Task<(int Count, int Version)> RotateAsync(Actor actor, CancellationToken cancellationToken)
    {
        var newest = Keys.Newest;
        var count = await _documents.ChangeAsync(
            async documents =>
            {
                var changed = new List<GatewayDocument>();
                foreach (var secret in All(documents).Where(secret => secret.KeyVersion != newest.Version))
                {
                    var key = await UnwrapAsync(secret, cancellationToken).ConfigureAwait(false);
                    changed.Add(Document(secret with { WrappedKey = await newest.WrapAsync(key, cancellationToken).ConfigureAwait(false), KeyVersion = newest.Version }));
                }

                return new DocumentChange<int>(changed.Count, changed, []);
            },
            cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.RotateSecrets, FormattableString.Invariant($"{count} secrets to key version {newest.Version}"), AuditResult.Done).ConfigureAwait(false);
        return (count, newest.Version);
    }

    /// <summary>The values of a secret. For what sends them to where they belong, and for nothing else.</summary>
    /// <exception cref="MlflowException">INVALID_STATE: it cannot be decrypted.</exception>
    public async ValueTask<IReadOnlyDictionary<string, string>> OpenAsync(StoredSecret secret, CancellationToken cancellationToken)
    {
        var key = await UnwrapAsync(secret, cancellationToken).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize(SecretCipher.Decrypt(key, secret.EncryptedValue, Bound(secret)), SecretJsonContext.Default.DictionaryStringString)!;
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            throw Unreadable(secret, "what is stored of it, or where it is for, has been changed in the database", e);
        }
    }

    public void Dispose() => _unwrapped.Dispose();

    public static MlflowException NotFound(string what, string value) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"GatewaySecret not found ({what}='{value}')");

    private static void CheckName(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxName || name.Any(char.IsControl))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid secret name: it must have 1 to {MaxName} characters and no control characters among them.") { Field = "secret_name" };
        }
    }

    // Neither a value nor how long it is stands in an error.
    private static void CheckValues(IReadOnlyDictionary<string, string> values)
    {
        if (values.Count is 0 or > MaxValues || values.Any(value => value.Key.Length is 0 or > MaxName || value.Value.Length == 0))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, "Missing value for required parameter 'secret_value'. It must be an object as {\"api_key\": \"…\"}, with no empty value in it.") { Field = "secret_value" };
        }

        if (values.Any(value => Encoding.UTF8.GetByteCount(value.Value) > MaxValueBytes || value.Value.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t'))))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"A value in 'secret_value' has more than {MaxValueBytes} bytes, or control characters.") { Field = "secret_value" };
        }
    }

    private static void CheckAuthConfig(IReadOnlyDictionary<string, string> authConfig)
    {
        SecretDestination.Of(authConfig);
        if (authConfig.Count > MaxValues || authConfig.FirstOrDefault(entry => entry.Key.Length is 0 or > MaxName || entry.Value.Length > MaxConfigLength || entry.Value.Any(char.IsControl)) is { Key: not null })
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid auth_config: it may have {MaxValues} entries, with names of 1 to {MaxName} characters and values of at most {MaxConfigLength} without control characters.");
        }
    }

    private static string Target(StoredSecret secret) => $"{secret.Name} ({secret.Provider})";

    private static string Shown(StoredSecret secret) => SecretDestination.Of(secret.AuthConfig) is { Length: > 0 } address ? address : $"the address of {secret.Provider} itself";

    private static StoredSecret Read(GatewayDocument document) => JsonSerializer.Deserialize(document.Body, SecretJsonContext.Default.StoredSecret)! with { Id = document.Id };

    private static GatewayDocument Document(StoredSecret secret) => new(secret.Id, StoredSecret.Kind, JsonSerializer.Serialize(secret, SecretJsonContext.Default.StoredSecret));

    /// <summary>What the values are encrypted for: with any of it changed, they cannot be decrypted.</summary>
    private static byte[] Bound(StoredSecret secret) => Encoding.UTF8.GetBytes(
        secret.Format == StoredSecret.FormatOfMlflow ? $"{secret.Id}|{secret.Name}" : $"{secret.Id}\0{secret.Name}\0{secret.Provider}\0{SecretDestination.Of(secret.AuthConfig)}");

    private static MlflowException Unreadable(StoredSecret secret, string why, Exception inner) =>
        new(ErrorCode.INVALID_STATE, $"Secret '{secret.Name}' cannot be decrypted: {why}. Give its values again, or the right key.", inner);

    private async Task<StoredSecret> EncryptAsync(StoredSecret secret, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        var newest = Keys.Newest;
        var key = RandomNumberGenerator.GetBytes(SecretCipher.KeyBytes);
        var plain = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>(values.OrderBy(value => value.Key, StringComparer.Ordinal)), SecretJsonContext.Default.DictionaryStringString);
        return secret with
        {
            Masked = values.ToDictionary(value => value.Key, value => SecretMask.Of(value.Value)),
            EncryptedValue = SecretCipher.Encrypt(key, plain, Bound(secret)),
            WrappedKey = await newest.WrapAsync(key, cancellationToken).ConfigureAwait(false),
            KeyVersion = newest.Version,
        };
    }

    private async ValueTask<byte[]> UnwrapAsync(StoredSecret secret, CancellationToken cancellationToken)
    {
        var kept = Convert.ToBase64String(secret.WrappedKey);
        if (_unwrapped.TryGetValue(kept, out byte[]? key))
        {
            return key!;
        }

        var outer = Keys.Find(secret.KeyVersion);
        try
        {
            key = await outer.UnwrapAsync(secret.WrappedKey, cancellationToken).ConfigureAwait(false);
        }
        catch (CryptographicException e)
        {
            throw Unreadable(secret, FormattableString.Invariant($"the key of version {secret.KeyVersion} that this server has is another one than it was encrypted with"), e);
        }

        _unwrapped.Set(kept, key, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = KeptFor });
        return key;
    }
}
