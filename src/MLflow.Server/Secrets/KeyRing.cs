namespace MLflow.Server.Secrets;

/// <summary>The keys by which the keys of secrets are encrypted, by version. A file of them is read again when it changes, so that a rotation needs no restart.</summary>
internal sealed class KeyRing
{
    /// <summary>What MLflow's server uses where none is set, so that everybody knows it.</summary>
    public const string DevelopmentPassphrase = "mlflow-default-kek-passphrase-for-development-only";

    // Derived once: that is slow by design.
    private static readonly LocalKey DevelopmentKey = new(1, DevelopmentPassphrase);

    private readonly string? _path;
    private volatile Keys _keys;

    private KeyRing(Keys keys, string? path = null)
    {
        _keys = keys;
        _path = path;
    }

    /// <summary>No key: nothing can be stored, and nothing read.</summary>
    public static KeyRing None { get; } = new(new Keys([], default));

    /// <summary>Whether there is a key at all.</summary>
    public bool IsUsable => _keys.All.Count > 0;

    /// <summary>Whether the key is known to everybody.</summary>
    public bool IsForDevelopment { get; private init; }

    /// <summary>The key for what is encrypted now.</summary>
    /// <exception cref="MlflowException">INVALID_STATE: there is none.</exception>
    public IKeyEncryptionKey Newest
    {
        get
        {
            ReadAgain();
            return _keys.All.MaxBy(key => key.Version) ?? throw NoKey();
        }
    }

    public static KeyRing OfDevelopment() => new(new Keys([DevelopmentKey], default)) { IsForDevelopment = true };

    public static KeyRing Of(IReadOnlyList<IKeyEncryptionKey> keys) => new(new Keys(keys, default));

    /// <inheritdoc cref="KeyFile.Read"/>
    public static KeyRing OfFile(string path)
    {
        var changed = File.GetLastWriteTimeUtc(path);
        return new KeyRing(new Keys(KeyFile.Read(path), changed), path);
    }

    /// <exception cref="MlflowException">INVALID_STATE: there is no such key.</exception>
    public IKeyEncryptionKey Find(int version)
    {
        if (OfVersion(version) is { } key)
        {
            return key;
        }

        if (!IsUsable)
        {
            throw NoKey();
        }

        ReadAgain();
        return OfVersion(version) ?? throw new MlflowException(
            ErrorCode.INVALID_STATE,
            $"It is encrypted with a key of version {version}, and this server has {string.Join(", ", _keys.All.Select(key => key.Version))} only: add that key to MLFLOW_CRYPTO_KEK_FILE, or set MLFLOW_CRYPTO_KEK_PASSPHRASE and MLFLOW_CRYPTO_KEK_VERSION.");
    }

    /// <summary>The same keys, and below them that for development, which is of version 1.</summary>
    public KeyRing WithDevelopmentKey() => new(new Keys([.. _keys.All, .. OfVersion(1) is null ? [DevelopmentKey] : (IKeyEncryptionKey[])[]], default));

    private static MlflowException NoKey() => new(
        ErrorCode.INVALID_STATE,
        "This server keeps no secrets, since it has no key to encrypt them with: set MLFLOW_CRYPTO_KEK_FILE (or MLFLOW_CRYPTO_KEK_PASSPHRASE) and start it again. Only a server for this machine alone does without.");

    private IKeyEncryptionKey? OfVersion(int version) => _keys.All.FirstOrDefault(key => key.Version == version);

    private void ReadAgain()
    {
        if (_path is null)
        {
            return;
        }

        try
        {
            var changed = File.GetLastWriteTimeUtc(_path);
            if (changed != _keys.Changed)
            {
                _keys = new Keys(KeyFile.Read(_path), changed);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // It may be half written, or away for a moment: what was read before stays right.
        }
    }

    private sealed record Keys(IReadOnlyList<IKeyEncryptionKey> All, DateTime Changed);
}
