package portal

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"sync"

	"portcullis/control"
	"portcullis/control/web"
	"portcullis/deploy"
)

func (p *portal) quickStart(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	v := quickStartPage{gateway: gw}
	if v.console, err = deploy.Steps(installValues(gw)); err != nil {
		v.refused = "The ways to install cannot be filled in: " + err.Error()
	} else if main, err := deploy.Render(deploy.Terraform, installValues(gw)); err != nil {
		v.refused = "The ways to install cannot be filled in: " + err.Error()
	} else {
		v.terraform = string(main)
	}
	links, err := p.links()
	v.packages = links
	if err != nil {
		v.problem = problemText(err)
	}
	return r.render(http.StatusOK, quickStartView(r.frame("Quick start", "apis"), clock{p.now()}, v))
}

// packageLinks describes the packages of this build; they are hashed once, not for every page.
func packageLinks(packages web.Packages) func() ([]packageLink, error) {
	return sync.OnceValues(func() (links []packageLink, missing error) {
		for _, arch := range []string{"x86_64", "arm64"} {
			zip, sum, err := packages.Open(arch)
			if err != nil {
				missing = err
				continue
			}
			links = append(links, packageLink{arch: arch, sha256: sum, size: fmt.Sprintf("%.1f MB", float64(len(zip))/1e6)})
		}
		return links, missing
	})
}

// gatewayProgress is the check marks alone, for the script that keeps them current.
func (p *portal) gatewayProgress(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	return r.render(http.StatusOK, progressMarks(r.frame("", ""), clock{p.now()}, gw.Gateway))
}

// installValues are what the ways to install are filled in with; the secret is none of them.
func installValues(gw control.GatewayWithClient) deploy.Values {
	return deploy.Values{ClientID: gw.ClientID, IssuerURL: gw.IssuerURL}
}

// installFiles are what each way to install is handed out as.
var installFiles = map[deploy.Kind]string{deploy.CLI: "install.sh", deploy.SAM: "template.yaml", deploy.Terraform: "portcullis-terraform.zip"}

// gatewayInstall hands out a way to install, filled in with the values of the gateway: the script, the template, or the
// Terraform module with a root module that uses it.
func (p *portal) gatewayInstall(r *request) error {
	gw, err := r.gateway()
	if err != nil {
		return err
	}
	kind := deploy.Kind(r.query("kind"))
	name, ok := installFiles[kind]
	if !ok {
		return control.Errorf(control.NotFound, "", "There is no such way to install; choose one of QUICK START.")
	}
	text, err := deploy.Render(kind, installValues(gw))
	if err != nil {
		return err
	}
	if kind == deploy.Terraform {
		if text, err = terraformZip(text); err != nil {
			return err
		}
		r.w.Header().Set("Content-Type", "application/zip")
	} else {
		r.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	r.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err = r.w.Write(text)
	return err
}

// terraformZip packs main.tf beside the module and the policies that the module reads, where main.tf expects them.
func terraformZip(main []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name string, data []byte) error {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	}
	if err := add("main.tf", main); err != nil {
		return nil, err
	}
	files := deploy.Files()
	for _, dir := range []string{"terraform", "iam"} {
		err := fs.WalkDir(files, dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if name == "terraform/example" { // main.tf is made from it
					return fs.SkipDir
				}
				return nil
			}
			data, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			return add("portcullis/"+name, data)
		})
		if err != nil {
			return nil, fmt.Errorf("pack the Terraform module: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// What to run beside the files.
const (
	cliCommands = "sh install.sh"
	samCommands = `BUCKET=my-bucket   # in the region of your REST APIs
aws s3 cp authorizer-x86_64.zip "s3://$BUCKET/authorizer-x86_64.zip"
printf 'ACP_CLIENT_SECRET: '; stty -echo; read -r SECRET; stty echo; echo
aws cloudformation deploy --template-file template.yaml --stack-name portcullis-authorizer \
  --capabilities CAPABILITY_IAM CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND \
  --parameter-overrides PackageBucket="$BUCKET" PackageKey=authorizer-x86_64.zip ClientSecret="$SECRET"
unset SECRET`
	terraformCommands = `unzip portcullis-terraform.zip
terraform init
terraform apply`
)
