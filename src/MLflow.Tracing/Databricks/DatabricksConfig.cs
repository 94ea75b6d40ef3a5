using System.Text;

namespace MLflow;

/// <summary>
/// A workspace and what is configured for it. Order of Databricks' SDKs: the program's options, the environment, a profile of the configuration file; a value that is there is not
/// replaced by a later one. The file is not read where no profile is asked for and host or credentials are known already.
/// </summary>
internal sealed class DatabricksConfig
{
    private readonly Dictionary<string, DatabricksValue> _values = [];
    private readonly DatabricksOptions _options;
    private string _file = "";
    private string _fileNote = "";

    private DatabricksConfig(DatabricksOptions? options, DatabricksSurroundings surroundings)
    {
        _options = options ?? new DatabricksOptions();
        Surroundings = surroundings;
    }

    public DatabricksSurroundings Surroundings { get; }

    /// <summary>Scheme, host and port of the workspace.</summary>
    public Uri Host { get; private set; } = null!;

    /// <summary>The profile that was read; null for none.</summary>
    public string? Profile { get; private set; }

    /// <summary>The profile that the tracking URI names; null for none.</summary>
    public string? UriProfile { get; private init; }

    /// <summary>Where the tracking URI names secrets: they hold the address of a workspace and a token for it, and this one only gives them out. Null: it is meant itself.</summary>
    public CredentialSecrets? Secrets { get; private init; }

    public string? SqlWarehouseId => _options.SqlWarehouseId ?? Surroundings.Read("MLFLOW_TRACING_SQL_WAREHOUSE_ID");

    /// <summary>Where it stands as a tracking URI in texts.</summary>
    public string Name => UriProfile is null ? DatabricksUri.Scheme : $"{DatabricksUri.Scheme}://{UriProfile}";

    public string? this[string name] => _values.TryGetValue(name, out var found) ? found.Value : null;

    /// <summary>Looks for a workspace. Reads the configuration file where it has to, and makes no request.</summary>
    /// <exception cref="ArgumentException">There is no host, the profile is not there, or values contradict each other. The message says what was looked for and where, and no value.</exception>
    public static DatabricksConfig Read(string? uriProfile, DatabricksOptions? options, DatabricksSurroundings surroundings)
    {
        var config = new DatabricksConfig(options, surroundings) { UriProfile = uriProfile, Secrets = CredentialSecrets.Read(uriProfile) };
        foreach (var attribute in DatabricksAttribute.All)
        {
            if (options is not null && attribute.Option?.Invoke(options) is var told && attribute.IsSaid(told))
            {
                config._values[attribute.Name] = new DatabricksValue(told!, $"{nameof(DatabricksOptions)}.{attribute.OptionName}");
            }
            else if (surroundings.Read(attribute.Variable) is var value && attribute.IsSaid(value))
            {
                config._values[attribute.Name] = new DatabricksValue(value!, attribute.Variable);
            }
        }

        config.ReadProfile(config.Secrets is null ? uriProfile : null);
        config.CheckValues();
        config.FindHost();
        config.CheckMethods();
        return config;
    }

    /// <summary>Files of secrets often end with a line break; one within a value would end up in the head of a request.</summary>
    private void CheckValues()
    {
        foreach (var (name, found) in _values.ToList())
        {
            var value = found.Value.Trim();
            if (value.Any(char.IsControl))
            {
                throw new ArgumentException($"{name} from {found.Origin} has a line break or another control character within it: give the value alone.");
            }

            if (name == DatabricksAttribute.AzureUseMsi && value.ToUpperInvariant() is not ("TRUE" or "1"))
            {
                throw new ArgumentException($"{name} from {found.Origin} is '{value}': it must be true or false.");
            }

            _values[name] = found with { Value = value };
        }
    }

    /// <summary>Which of these stand where, for messages: <c>client_id from DATABRICKS_CLIENT_ID</c>.</summary>
    public string Origins(params ReadOnlySpan<string> names)
    {
        var parts = new List<string>();
        foreach (var name in names)
        {
            if (_values.TryGetValue(name, out var found))
            {
                parts.Add($"{name} from {found.Origin}");
            }
        }

        return string.Join(", ", parts);
    }

    /// <summary>The error of a program that has no credentials.</summary>
    public ArgumentException NothingFound(string more = "")
    {
        var text = new StringBuilder();
        text.Append(Host is null
            ? $"The tracking URI '{Name}' needs the address of a Databricks workspace, and none was found."
            : $"The tracking URI '{Name}' needs credentials for the Databricks workspace {Host.Host}, and none were found.");
        if (more.Length > 0)
        {
            text.Append(' ').Append(more);
        }

        text.Append(" Looked for, in this order (values are not shown):");
        foreach (var line in CredentialChoice.LookedFor(this).Prepend("host: " + LookedFor(DatabricksAttribute.Host)))
        {
            text.Append("\n- ").Append(line);
        }

        text.Append($"\nThe configuration file is {(_file.Length == 0 ? "~/.databrickscfg, but this user has no home" : _file)}: {_fileNote}.");
        if (Surroundings.Read("DATABRICKS_RUNTIME_VERSION") is not null)
        {
            text.Append("\nThis is a cluster of Databricks, whose own token only Python, R and Scala are given: set DATABRICKS_HOST and DATABRICKS_TOKEN, or a service principal, in the environment of the cluster or job.");
        }

        text.Append("\nThe shortest way: set DATABRICKS_HOST and DATABRICKS_TOKEN, or run 'databricks auth login'. docs/databricks.md has the others.");
        return new ArgumentException(text.ToString());
    }

    /// <summary>Whether all of them are there.</summary>
    public bool Has(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (this[name] is null)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Where these were looked for, and which of them were found where: for messages.</summary>
    public string LookedFor(params string[] names) => string.Join("; ", names.Select(name =>
    {
        var attribute = Array.Find(DatabricksAttribute.All, a => a.Name == name)!;
        return _values.TryGetValue(name, out var found)
            ? $"{name} found in {found.Origin}"
            : $"{(attribute.OptionName is { } option ? $"{nameof(DatabricksOptions)}.{option}, " : "")}{attribute.Variable} or {name} of the profile (not set)";
    }));

    /// <summary>A text of others that may quote what it was sent, without the configured secrets.</summary>
    public string Conceal(string text)
    {
        text = SecretScrubber.Scrub(text) ?? text;
        foreach (var name in (ReadOnlySpan<string>)[DatabricksAttribute.Token, DatabricksAttribute.Password, DatabricksAttribute.ClientSecret, DatabricksAttribute.AzureClientSecret])
        {
            if (this[name] is { Length: > 0 } secret)
            {
                text = text.Replace(secret, SecretScrubber.Mark, StringComparison.Ordinal);
            }
        }

        return text;
    }

    public override string ToString() => $"Databricks workspace {Host.Host}";

    private void ReadProfile(string? uriProfile)
    {
        var requested = uriProfile ?? _options.Profile ?? Surroundings.Read("DATABRICKS_CONFIG_PROFILE");
        _file = _options.ConfigFile ?? Surroundings.Read("DATABRICKS_CONFIG_FILE") ?? (Surroundings.Home is null ? "" : Path.Combine(Surroundings.Home, ".databrickscfg"));
        if (_file.StartsWith("~/", StringComparison.Ordinal) && Surroundings.Home is not null)
        {
            _file = Path.Combine(Surroundings.Home, _file[2..]);
        }

        var isSufficient = _values.ContainsKey(DatabricksAttribute.Host) || _values.ContainsKey(DatabricksAttribute.AzureResourceId)
            || DatabricksAttribute.All.Any(attribute => attribute.Method is not null && _values.ContainsKey(attribute.Name));
        if (requested is null && isSufficient)
        {
            _fileNote = "it is not read where host or credentials are set outside of it and no profile is asked for";
            return;
        }

        if (_file.Length == 0 || DatabricksProfiles.Read(_file) is not { } profiles)
        {
            _fileNote = "it is not there";
            if (uriProfile is not null)
            {
                throw new ArgumentException($"The tracking URI '{Name}' names a profile, but there is no configuration file {_file}: run 'databricks auth login --profile {uriProfile}', or set DATABRICKS_CONFIG_FILE to where it is.");
            }

            return;
        }

        var name = requested ?? profiles.Preferred;
        if (profiles.Find(name) is not { } section)
        {
            _fileNote = $"it has no profile '{name}'";
            if (requested is not null)
            {
                throw new ArgumentException($"{_file} has no profile '{name}'; it has {(profiles.Names.Any() ? string.Join(", ", profiles.Names.Select(n => $"'{n}'")) : "none")}.");
            }

            return;
        }

        Profile = name;
        _fileNote = $"profile '{name}' was read";
        CheckHost(section, uriProfile);
        foreach (var attribute in DatabricksAttribute.All)
        {
            if (section.TryGetValue(attribute.Name, out var value) && attribute.IsSaid(value))
            {
                _values.TryAdd(attribute.Name, new DatabricksValue(value, $"profile '{name}' of {_file}"));
            }
        }
    }

    /// <summary>Databricks' SDKs would go to the host of the environment with the credentials of the profile, or the other way round, without a word.</summary>
    private void CheckHost(IReadOnlyDictionary<string, string> section, string? uriProfile)
    {
        if (uriProfile is not null
            && _values.TryGetValue(DatabricksAttribute.Host, out var outside)
            && section.TryGetValue(DatabricksAttribute.Host, out var inside)
            && !Uri.Equals(Normalize(outside), Normalize(new DatabricksValue(inside, $"profile '{uriProfile}'"))))
        {
            throw new ArgumentException($"The tracking URI '{Name}' names a profile whose host is another than the one in {outside.Origin}: remove one of them.");
        }
    }

    private void FindHost()
    {
        if (_values.TryGetValue(DatabricksAttribute.Host, out var host))
        {
            Host = Normalize(host);
        }
        else
        {
            var variable = Array.Find(["DATABRICKS_MODEL_SERVING_HOST_URL", "DB_MODEL_SERVING_HOST_URL"], name => Surroundings.Read(name) is not null);
            Host = variable is null ? throw NothingFound() : Normalize(new DatabricksValue(Surroundings.Read(variable)!, variable));
        }
    }

    /// <summary>Adds <c>https://</c>, drops path, query and the port that is usual anyway.</summary>
    /// <exception cref="ArgumentException">It is no address, or one that credentials would be sent to unencrypted.</exception>
    public static Uri Normalize(DatabricksValue host)
    {
        var text = host.Value.Trim();
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            text = "https://" + text;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.UserInfo.Length > 0 || uri.Scheme is not ("https" or "http"))
        {
            throw new ArgumentException($"The host in {host.Origin} is no address of a Databricks workspace: write it as https://dbc-1234.cloud.databricks.com.");
        }

        return uri.Scheme == "https" || uri.IsLoopback
            ? new Uri(uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped))
            : throw new ArgumentException($"The host in {host.Origin} begins with http://, which would send the credentials unencrypted: write https://{uri.Host}.");
    }

    private void CheckMethods()
    {
        if (_values.ContainsKey(DatabricksAttribute.AuthType))
        {
            return;
        }

        var methods = DatabricksAttribute.All.Where(a => a.Method is not null && _values.ContainsKey(a.Name)).GroupBy(a => a.Method!).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        if (methods.Count > 1)
        {
            throw new ArgumentException(
                $"More than one way to get into the Databricks workspace {Host.Host} is configured: {string.Join(" and ", methods.Select(g => g.Key))} ({Origins([.. methods.SelectMany(g => g).Select(a => a.Name)])}). "
                + "Remove one, or say which by DATABRICKS_AUTH_TYPE.");
        }
    }
}
