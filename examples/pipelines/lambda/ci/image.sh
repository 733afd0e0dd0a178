#!/usr/bin/env bash
# Makes sure that the image of this commit is in the repository, and writes imageDetail.json, which names it by digest.
# An image is built once for a commit: the release branch's goes to production as it is. What has a vulnerability of
# severity HIGH or CRITICAL is not pushed, and not deployed again.
set -euo pipefail
: "${REPOSITORY_URI:?}" "${COMMIT:?}" "${VERSION:?}" "${ENVIRONMENT:?}" "${TRIVY:?}"
repository=${REPOSITORY_URI#*/}
image=$REPOSITORY_URI:$COMMIT

# The digest behind a tag; nothing, and a status other than 0, if there is no such tag.
digest() {
  local found
  found=$(aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$1" \
    --query 'imageDetails[0].imageDigest' --output text) || return
  [[ $found == sha256:* ]] && printf '%s\n' "$found"
}

if digest "$COMMIT" >/dev/null 2>&1; then
  docker pull --quiet "$image"
  pushed=yes
else
  docker build --pull --tag "$image" .
  pushed=
fi

docker run --rm --volume /var/run/docker.sock:/var/run/docker.sock --volume "$PWD/.cache/trivy:/root/.cache/trivy" \
  "$TRIVY" image --no-progress --severity HIGH,CRITICAL --exit-code 1 "$image"

[[ $pushed ]] || docker push --quiet "$image"
made=$(digest "$COMMIT")

if [[ $ENVIRONMENT == production ]]; then
  # Tags can't be moved: one that names another image is an error, one that names this image is fine.
  if named=$(digest "v$VERSION" 2>/dev/null); then
    [[ $named == "$made" ]] || {
      echo "ci/image.sh: v$VERSION is the image $named already, and this commit's is $made; choose a new version" >&2
      exit 1
    }
  else
    manifest=$(aws ecr batch-get-image --repository-name "$repository" --image-ids "imageTag=$COMMIT" \
      --query 'images[0].imageManifest' --output text)
    aws ecr put-image --repository-name "$repository" --image-tag "v$VERSION" --image-manifest "$manifest" >/dev/null
  fi
fi

printf '{"ImageURI": "%s@%s"}\n' "$REPOSITORY_URI" "$made" >imageDetail.json
