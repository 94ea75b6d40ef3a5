namespace MLflow;

/// <summary>The workspaces of one client, each by the address of its destinations.</summary>
internal sealed class DatabricksWorkspaces : IDisposable
{
    private readonly TrackingTransport _transport;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _lock = new();

    // Bounded by the tracking URIs that the program sets.
    private readonly Dictionary<Uri, DatabricksWorkspace> _workspaces = [];
    private readonly Dictionary<string, Uri> _addresses = [];

    public DatabricksWorkspaces(TrackingTransport transport, TimeProvider timeProvider, DatabricksOptions? options = null)
    {
        _transport = transport;
        _timeProvider = timeProvider;
        Options = options;
    }

    /// <summary>What the program says of its workspaces; null for nothing.</summary>
    public DatabricksOptions? Options { get; }

    /// <summary>Finds the workspace that a program's text means. Makes no request.</summary>
    /// <returns>The address of a destination.</returns>
    /// <exception cref="ArgumentException">There is none, or there are no credentials for it.</exception>
    public static Uri Check(string text, DatabricksOptions? options = null, DatabricksSurroundings? surroundings = null) => Read(text, options, surroundings ?? DatabricksSurroundings.OfProcess).Address;

    /// <summary>As <see cref="Check"/>, and keeps what was found, for traces that go there.</summary>
    /// <param name="text">What the program says.</param>
    /// <param name="options">Instead of <see cref="Options"/>.</param>
    public Uri Add(string text, DatabricksOptions? options = null)
    {
        var (address, config) = Read(text, options ?? Options, DatabricksSurroundings.OfProcess);
        lock (_lock)
        {
            // Traces that wait for this workspace are sent with the credentials that are set now.
            if (!_workspaces.ContainsKey(address))
            {
                _workspaces.Add(address, new DatabricksWorkspace(config, _transport, _timeProvider));
            }

            _addresses[text] = address;
        }

        return address;
    }

    /// <summary>As <see cref="Add"/>, where that was asked before from what was found then: for calls that come with every request, and must not read files each time.</summary>
    /// <exception cref="ArgumentException">There is none, or there are no credentials for it.</exception>
    public Uri AddOnce(string text)
    {
        lock (_lock)
        {
            if (_addresses.TryGetValue(text, out var known))
            {
                return known;
            }
        }

        return Add(text);
    }

    /// <summary>The workspace at the address of a destination; null where that is none of a workspace.</summary>
    /// <exception cref="ArgumentException">There are no credentials for it, or those that are configured now are for another one.</exception>
    public DatabricksWorkspace? Find(Uri address)
    {
        if (!DatabricksUri.IsDatabricks(address))
        {
            return null;
        }

        lock (_lock)
        {
            if (!_workspaces.TryGetValue(address, out var workspace))
            {
                var profile = DatabricksUri.ProfileOf(address);
                var config = DatabricksConfig.Read(profile, Options, DatabricksSurroundings.OfProcess);
                var found = DatabricksUri.ToAddress(config.Host, profile);
                if (found != address)
                {
                    throw new ArgumentException($"The traces are for the Databricks workspace {address.Authority}, but what is configured is {found.Authority}: set DATABRICKS_HOST and credentials for the former.");
                }

                workspace = new DatabricksWorkspace(config, _transport, _timeProvider);
                _workspaces.Add(address, workspace);
            }

            return workspace;
        }
    }

    private static (Uri Address, DatabricksConfig Config) Read(string text, DatabricksOptions? options, DatabricksSurroundings surroundings)
    {
        var profile = DatabricksUri.ReadProfile(text);
        var config = DatabricksConfig.Read(profile, options, surroundings);
        CredentialChoice.Find(config);
        return (DatabricksUri.ToAddress(config.Host, profile), config);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var workspace in _workspaces.Values)
            {
                workspace.Dispose();
            }

            _workspaces.Clear();
        }
    }
}
